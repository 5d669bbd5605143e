import Collab
import Testing

@testable import CollabBackends

@Suite("Request bodies")
struct RequestBodyTests {
    private func body(
        _ request: Request,
        server: ServerKind = .compatible,
        settings: RemoteSettings = RemoteSettings()
    ) throws -> JSONValue {
        .object(try RequestBody(model: "m", server: server, settings: settings).make(for: request))
    }

    @Test("A dialogue becomes messages, always streamed and with its usage")
    func dialogue() throws {
        let request = Request([.system("Be brief."), .user("Hi"), .assistant("Hello"), .user("\"Bye\"\n")])
        let text = try body(request).description
        #expect(
            text
                == #"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},"#
                + #"{"role":"assistant","content":"Hello"},{"role":"user","content":"\"Bye\"\n"}],"stream":true,"#
                + #""stream_options":{"include_usage":true},"temperature":0.0}"#
        )
        #expect(
            RequestBody(model: "m", server: .compatible, settings: RemoteSettings()).path(for: request)
                == "chat/completions"
        )
    }

    @Test("A completion becomes a prompt")
    func completion() throws {
        let request = Request.completion("Once upon", options: GenerationOptions(alternatives: 5))
        let json = try body(request)
        #expect(json["prompt"]?.stringValue == "Once upon")
        #expect(json["messages"] == nil)
        #expect(json["logprobs"]?.intValue == 5)
        #expect(
            RequestBody(model: "m", server: .compatible, settings: RemoteSettings()).path(for: request)
                == "completions"
        )
    }

    @Test("Options map to the protocol's fields")
    func options() throws {
        let options = GenerationOptions(
            maximumTokens: 7,
            sampling: Sampling(temperature: 0.5, topP: 0.9),
            stopSequences: ["END", "\n\n"],
            seed: 42,
            alternatives: 3
        )
        let json = try body(Request("hi", options: options))
        #expect(json["max_tokens"]?.intValue == 7)
        #expect(json["temperature"]?.doubleValue == 0.5)
        #expect(json["top_p"]?.doubleValue == 0.9)
        #expect(json["stop"] == .array([.string("END"), .string("\n\n")]))
        #expect(json["seed"]?.intValue == 42)
        #expect(json["logprobs"]?.boolValue == true)
        #expect(json["top_logprobs"]?.intValue == 3)
        #expect(
            try body(Request("hi", options: options), server: .openAI)["max_completion_tokens"]?.intValue == 7
        )
    }

    @Test("Log-probabilities can be asked for without alternatives")
    func logprobs() throws {
        #expect(try body("hi")["logprobs"] == nil)
        let json = try body("hi", settings: RemoteSettings(reportsLogprobs: true))
        #expect(json["logprobs"]?.boolValue == true)
        #expect(json["top_logprobs"]?.intValue == 1)
        // A request may do without.
        let quiet = Request("hi", options: GenerationOptions(reportsLogprobs: false))
        let silent = try body(quiet, settings: RemoteSettings(reportsLogprobs: true))
        #expect(silent["logprobs"] == nil)
    }

    @Test("Options that a server has no field for are refused, not dropped")
    func unsupported() throws {
        let samplings = [
            Sampling(topK: 40), Sampling(minP: 0.1), Sampling(repetitionPenalty: 1.2),
        ]
        for sampling in samplings {
            let request = Request("hi", options: GenerationOptions(sampling: sampling))
            let error = #expect(throws: CollabError.self) { try body(request) }
            #expect(error?.code == .unsupported)
            _ = try body(request, server: .vLLM)
            _ = try body(request, server: .llamaCPP)
        }
        let many = Request("hi", options: GenerationOptions(alternatives: 100))
        #expect(throws: CollabError.self) { try body(many) }
        #expect(try body(many, server: .vLLM)["top_logprobs"]?.intValue == 100)
    }

    @Test("Each kind of server has its own names")
    func serverKinds() throws {
        let sampling = Sampling(topK: 40, minP: 0.1, repetitionPenalty: 1.2, repetitionWindow: 32)
        let request = Request("hi", options: GenerationOptions(sampling: sampling))
        let llama = try body(request, server: .llamaCPP)
        #expect(llama["top_k"]?.intValue == 40)
        #expect(llama["min_p"]?.doubleValue == 0.1)
        #expect(llama["repeat_penalty"]?.doubleValue == 1.2)
        #expect(llama["repeat_last_n"]?.intValue == 32)
        #expect(try body(request, server: .vLLM)["repetition_penalty"]?.doubleValue == 1.2)
        let reasoning = try body(Request("hi", options: GenerationOptions(seed: 1)), server: .openAIReasoning)
        #expect(reasoning["temperature"] == nil)
    }

    @Test("Seeds fit every server; a run's seed gives each sample its own, the same at every call")
    func seeds() async throws {
        let large = GenerationOptions(sampling: .temperature(1), seed: .max)
        #expect(try body(Request("hi", options: large))["seed"]?.intValue == 0x7fff_ffff)
        let drawing = GenerationOptions(sampling: .temperature(1))
        #expect(
            try body(Request("hi", options: drawing))["seed"] == nil,
            "there is no run to derive one from"
        )
        func seeds(_ run: UInt64) async throws -> [Int?] {
            let probe = SeedProbe()
            for sample in [0, 1, 0] {
                _ = try await probe.respond(
                    to: Request(.completion("x"), options: drawing, sample: sample),
                    in: Run(seed: run)
                )
            }
            return probe.seeds.withLock { $0 }
        }
        let first = try await seeds(7)
        #expect(first[0] != nil && first[0] == first[2] && first[0] != first[1])
        #expect(try await seeds(7) == first)
        #expect(try await seeds(8) != first)
    }

    @Test("Extra fields are added, but cannot replace what the library needs")
    func extras() throws {
        let lora = RemoteSettings(extras: ["cache_prompt": .bool(false)])
        #expect(try body("hi", settings: lora)["cache_prompt"]?.boolValue == false)
        #expect(throws: CollabError.self) {
            try body("hi", settings: RemoteSettings(extras: ["stream": .bool(false)]))
        }
    }
}

/// Notes the seed that a remote call would send from within a run.
private struct SeedProbe: TextModel {
    let name = "probe"
    let seeds = Protected<[Int?]>([])

    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let body = try RequestBody(model: "m", server: .compatible, settings: RemoteSettings()).make(
            for: request
        )
        seeds.withLock { $0.append(body["seed"]?.intValue) }
        return Response(text: "", model: name)
    }
}
