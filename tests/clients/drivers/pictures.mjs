// A picture, and a page of a PDF that is one, through the AI SDK's providers, LangChain's and Ollama's library.
import { readFileSync } from "node:fs";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ChatAnthropic } from "@langchain/anthropic";
import { HumanMessage } from "@langchain/core/messages";
import { ChatOllama } from "@langchain/ollama";
import { ChatOpenAI } from "@langchain/openai";
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
const how = { model: name, temperature: 0, maxRetries: 0, apiKey: "none" };
const configuration = { baseURL: openai.baseURL };
const models = {
  "langchain openai": () => new ChatOpenAI({ ...how, configuration }),
  "langchain responses": () => new ChatOpenAI({ ...how, configuration, useResponsesApi: true }),
  "langchain anthropic": () => new ChatAnthropic({ ...how, maxTokens: 100, anthropicApiUrl: url }),
  "langchain ollama": () => new ChatOllama({ ...how, baseUrl: url }),
};
const told = {};
if (dialect === "ollama-js") {
  const client = new Ollama({ host: url });
  const options = { temperature: 0 };
  for (const [kind, image] of Object.entries({ path: "card.png", png: new Uint8Array(png), base64 }))
    told[kind] = (await client.chat({ model: name, messages: [{ role: "user", content: text, images: [image] }], options })).message.content;
  told.generated = (await client.generate({ model: name, prompt: text, images: [base64], options })).response;
} else if (dialect in models) {
  const file = { source_type: "base64", metadata: { filename: "page.pdf" } };
  const parts = {
    url: { type: "image_url", image_url: { url: `data:image/png;base64,${base64}` } },
    png: { type: "image", source_type: "base64", data: base64, mime_type: "image/png" },
    pdf: { type: "file", ...file, data: pdf.toString("base64"), mime_type: "application/pdf" },
  };
  if (dialect === "langchain ollama") for (const kind of ["png", "pdf"]) delete parts[kind];
  for (const [kind, part] of Object.entries(parts))
    told[kind] = (await models[dialect]().invoke([new HumanMessage({ content: [part, { type: "text", text }] })])).text;
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
