// A picture, and a page of a PDF that is one, through the AI SDK's providers and Ollama's library.
import { readFileSync } from "node:fs";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText } from "ai";
import { Ollama } from "ollama";
import { createOllama } from "ollama-ai-provider-v2";

const [url, name, dialect] = process.argv.slice(2);
const text = "What number is this?";
const [png, pdf] = [readFileSync("card.png"), readFileSync("page.pdf")];
const base64 = png.toString("base64");
const openai = { baseURL: `${url}/v1`, apiKey: "none" };
const providers = {
  compatible: () => createOpenAICompatible({ name: "galop", ...openai }),
  openai: () => createOpenAI(openai).chat,
  responses: () => createOpenAI(openai).responses,
  anthropic: () => createAnthropic(openai),
  ollama: () => createOllama({ baseURL: `${url}/api` }),
};
const told = {};
if (dialect === "ollama-js") {
  const client = new Ollama({ host: url });
  const options = { temperature: 0 };
  for (const [kind, image] of Object.entries({ path: "card.png", png: new Uint8Array(png), base64 }))
    told[kind] = (await client.chat({ model: name, messages: [{ role: "user", content: text, images: [image] }], options })).message.content;
  told.generated = (await client.generate({ model: name, prompt: text, images: [base64], options })).response;
} else {
  const parts = {
    png: { type: "file", mediaType: "image/png", data: dialect === "ollama" ? base64 : png },
    base64: { type: "file", mediaType: "image/*", data: base64 },
    pdf: { type: "file", mediaType: "application/pdf", data: pdf, filename: "page.pdf" },
  };
  if (dialect === "ollama") for (const kind of ["base64", "pdf"]) delete parts[kind];
  for (const [kind, part] of Object.entries(parts)) {
    const messages = [{ role: "user", content: [part, { type: "text", text }] }];
    told[kind] = (await generateText({ model: providers[dialect]()(name), temperature: 0, maxOutputTokens: 100, maxRetries: 0, messages })).text;
  }
}
console.log(JSON.stringify(told));
