// Ollama's own library for JavaScript.
import { Ollama } from "ollama";

const [url, model] = process.argv.slice(2);
const client = new Ollama({ host: url });
const options = { temperature: 0, num_predict: 100 };
const asked = [{ role: "user", content: "Name three colours." }];
const parameters = { type: "object", properties: { city: { type: "string", description: "Its name" } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "weather", description: "The weather of a city", parameters } }];
const question = [{ role: "user", content: "What is the weather in Paris? Use the tool." }];
const format = { type: "object", properties: { name: { type: "string" }, country: { type: "string" } }, required: ["name", "country"] };
const capital = [{ role: "user", content: "Paris is the capital of France. Give its name and its country as JSON." }];

const chat = (await client.chat({ model, messages: asked, options })).message.content;
let streamed = "";
for await (const part of await client.chat({ model, messages: asked, options, stream: true })) streamed += part.message.content;
const { message } = await client.chat({ model, messages: question, tools, options });
const calls = (message.tool_calls ?? []).map((call) => [call.function.name, call.function.arguments]);
const results = calls.map(([name]) => ({ role: "tool", tool_name: name, content: "18 C and sunny" }));
const after = (await client.chat({ model, messages: [...question, message, ...results], tools, options })).message.content;
const object = JSON.parse((await client.chat({ model, messages: capital, format, options })).message.content);
const vectors = (await client.embed({ model, input: ["a cat", "a kitten"] })).embeddings;
const pulled = [];
for await (const step of await client.pull({ model, stream: true })) pulled.push(step.status);
const { capabilities } = await client.show({ model });
const { models } = await client.list();
const { digest } = models.find((m) => m.name === model);
const error = await client.chat({ model: "nope", messages: asked }).then(() => "", (e) => `${e.name} ${e.status_code}: ${e.message}`);
const stream = await client.generate({ model, prompt: "Count to a thousand.", stream: true });
let aborted = "";
try {
  for await (const _ of stream) client.abort();
} catch (e) {
  aborted = e.name;
}
console.log(JSON.stringify({ chat, streamed, calls, told: message.content, after, object, vectors, pulled, capabilities, digest, error, aborted, version: (await client.version()).version }));
