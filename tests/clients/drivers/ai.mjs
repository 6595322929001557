// Vercel's AI SDK through one of its providers.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateText, Output, stepCountIs, streamText, tool } from "ai";
import { createOllama } from "ollama-ai-provider-v2";
import { z } from "zod";

const [url, name, dialect] = process.argv.slice(2);
const providers = {
  compatible: () => createOpenAICompatible({ name: "galop", baseURL: `${url}/v1`, apiKey: "none", supportsStructuredOutputs: true }),
  openai: () => createOpenAI({ baseURL: `${url}/v1`, apiKey: "none" }).chat,
  responses: () => createOpenAI({ baseURL: `${url}/v1`, apiKey: "none" }).responses,
  anthropic: () => createAnthropic({ baseURL: `${url}/v1`, apiKey: "none" }),
  ollama: () => createOllama({ baseURL: `${url}/api` }),
};
const provider = providers[dialect]();
// The provider for Ollama sends what is general beside `options`, where Ollama does not look.
const providerOptions = { ollama: { options: { temperature: 0, num_predict: 100 } } };
const how = { model: provider(name), temperature: 0, maxOutputTokens: 100, maxRetries: 0, providerOptions };
const question = "Name three colours.";
const city = z.object({ name: z.string(), country: z.string() });
const weather = tool({
  description: "The weather of a city",
  inputSchema: z.object({ city: z.string().describe("Its name") }),
  execute: async ({ city }) => `18 C and sunny in ${city}`,
});
const asked = { ...how, prompt: "What is the weather in Paris? Use the tool.", tools: { weather }, stopWhen: stepCountIs(2) };

const chat = (await generateText({ ...how, prompt: question })).text;
let streamed = "";
for await (const text of streamText({ ...how, prompt: question }).textStream) streamed += text;
const choice = dialect === "ollama" ? {} : { prepareStep: ({ stepNumber }) => (stepNumber ? {} : { toolChoice: "required" }) };
const used = await generateText({ ...asked, ...choice });
const calls = used.steps.flatMap((step) => step.toolCalls.map((call) => [call.toolName, call.input]));
const streaming = streamText({ ...asked, ...choice });
const streamedCalls = (await streaming.steps).flatMap((step) => step.toolCalls.map((call) => [call.toolName, call.input]));
const prompt = "Paris is the capital of France. Give its name and its country as JSON.";
const object = (await generateText({ ...how, prompt, output: Output.object({ schema: city }) })).output;
const embedding = { compatible: "embeddingModel", ollama: "embeddingModel" }[dialect];
const vectors = embedding ? (await embedMany({ model: provider[embedding](name), values: ["a cat", "a kitten"] })).embeddings : null;
const error = await generateText({ ...how, model: provider("nope"), prompt: question }).then(() => "", (e) => `${e.name} ${e.statusCode}: ${e.message}`);
console.log(JSON.stringify({ chat, streamed, calls, streamed_calls: streamedCalls, told: used.steps[0].text, after: used.text, object, vectors, error, usage: used.totalUsage.totalTokens }));
