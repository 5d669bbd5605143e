import Collab
import CollabTesting
import Testing

@testable import CollabBackends

/// What servers have beyond the protocol: tokens, scores of prompts, options.
@Suite("Additions of vLLM and llama.cpp", .timeLimit(.minutes(2)))
struct ServerExtensionTests {
    let server: FaultServer
    let id: String

    init() throws {
        server = try FaultServer.running()
        id = FaultServer.makeID("extension")
    }

    private func model(_ kind: ServerKind, _ faults: String = "ok") throws -> RemoteModel {
        try RemoteModel.faulty(faults, id: id, on: server, server: kind)
    }

    @Test("Texts and dialogues become tokens, and tokens text", arguments: [ServerKind.vLLM, .llamaCPP])
    func tokens(kind: ServerKind) async throws {
        let model = try model(kind)
        #expect(try await model.tokens(of: "Aé") == [65, 0xc3, 0xa9])
        #expect(try await model.promptTokens(for: .completion("A")) == [256, 65])
        let dialogue = try await model.promptTokens(for: Request([.system("s"), .user("u")]))
        #expect(dialogue == [256] + Array("<system>s<user>u<assistant>".utf8).map { TokenID($0) })
        #expect(try await model.text(of: [72, 105]) == "Hi")
    }

    @Test("What cannot be turned into tokens is refused, and what is none is malformed")
    func badTokens() async throws {
        for kind in [ServerKind.compatible, .openAI, .anthropic, .ollama] {
            let error = await #expect(throws: CollabError.self) { try await model(kind).tokens(of: "x") }
            #expect(error?.code == .unsupported)
        }
        let picture = Request([.user("x", attachments: [.image([1], mediaType: "image/png")])])
        let refused = await #expect(throws: CollabError.self) {
            try await model(.vLLM).promptTokens(for: picture)
        }
        #expect(refused?.code == .unsupported)
        let odd = await #expect(throws: CollabError.self) {
            try await model(.vLLM, "oddtokens").tokens(of: "x")
        }
        #expect(odd?.code == .malformedResponse)
    }

    @Test(
        "Continuations are scored after the prompt, with an exact border, in order",
        arguments: [ServerKind.vLLM, .llamaCPP]
    )
    func scores(kind: ServerKind) async throws {
        let scorer = try model(kind).scoring()
        let texts = ["B", "CD", ""]
        let scores = try await scorer.score(texts, after: .completion("A"))
        func logprob(_ before: Int, _ token: Int) -> Double { -Double((31 * before + token) % 97) / 50 }
        #expect(scores.map(\.text) == texts)
        #expect(scores[0].tokenLogprobs == [logprob(65, 66)])
        #expect(scores[1].tokenLogprobs == [logprob(65, 67), logprob(67, 68)])
        #expect(scores[2].tokenLogprobs.isEmpty)
        #expect(scores[1].logprob == logprob(65, 67) + logprob(67, 68))
        #expect(try await scorer.respond(to: "hi").text.hasPrefix("Paris"))
    }

    @Test(
        "A continuation gets no space from a server that puts one in front of texts",
        arguments: [ServerKind.vLLM, .llamaCPP]
    )
    func spacedScores(kind: ServerKind) async throws {
        let model = try model(kind, "spaced")
        #expect(try await model.tokens(of: "B") == [32, 66])
        func logprob(_ before: Int, _ token: Int) -> Double { -Double((31 * before + token) % 97) / 50 }
        let scores = try await model.scoring().score(["B", " B", "\nB", ""], after: .completion("A"))
        #expect(scores[0].tokenLogprobs == [logprob(65, 66)])
        #expect(scores[1].tokenLogprobs == [logprob(65, 32), logprob(32, 66)])
        #expect(scores[2].tokenLogprobs == [logprob(65, 10), logprob(10, 66)])
        #expect(scores[3].tokenLogprobs.isEmpty)
    }

    @Test("A server that does not score is told apart from one whose scores are none")
    func badScores() async throws {
        let error = #expect(throws: CollabError.self) { try model(.openAI).scoring() }
        #expect(error?.code == .unsupported)
        for (kind, fault) in [
            (ServerKind.vLLM, "noecho"), (.vLLM, "badscore"), (.llamaCPP, "noecho"), (.llamaCPP, "badscore"),
        ] {
            let scorer = try model(kind, fault).scoring()
            let error = await #expect(throws: CollabError.self) {
                try await scorer.score(["B"], after: .completion("A"))
            }
            #expect(error?.code == .malformedResponse)
        }
    }

    @Test("A server that echoes a text scores continuations from where the prompt ends")
    func echoedScores() async throws {
        let scorer = try model(.compatible).scoring()
        let prompt = "Ein naïves 🙂"
        let scores = try await scorer.score([" Wort", " und noch", ""], after: .completion(prompt))
        func logprob(_ place: Int, _ length: Int) -> Double { -Double((31 * place + length) % 97) / 50 }
        let end = prompt.unicodeScalars.count
        #expect(scores[0].tokenLogprobs == [logprob(end, 5)])
        #expect(scores[1].tokenLogprobs == [logprob(end, 4), logprob(end + 4, 5)])
        #expect(scores[2].tokenLogprobs.isEmpty)
        // The last word of the prompt goes on in the continuation.
        for (prompt, text) in [("Ein Wor", "t"), ("Ein ", "Wort")] {
            let error = await #expect(throws: CollabError.self) {
                try await scorer.score([text], after: .completion(prompt))
            }
            #expect(error?.code == .invalidRequest)
            #expect(error?.message.contains("white space") == true)
        }
        let dialogue = await #expect(throws: CollabError.self) { try await scorer.score(["x"], after: "hi") }
        #expect(dialogue?.code == .unsupported)
        for fault in ["noecho", "badscore", "badplace"] {
            let error = await #expect(throws: CollabError.self) {
                try await model(.compatible, fault).scoring().score([" Wort"], after: .completion(prompt))
            }
            #expect(error?.code == (fault == "badplace" ? .invalidRequest : .malformedResponse), "\(fault)")
        }
    }

    @Test("The echo of llama-cpp-python 0.3.36 with SmolLM2 is understood as it was sent")
    func echoOfLlamaCppPython() throws {
        let report =
            #"{"tokens":["E","in"," na","ï","ves"," 🙂"," W","ort"],"text_offset":[0,1,3,6,7,10,12,14],"token_logprobs":[null,-7.794,-6.162,-6.618,-14.975,-4.11,-11.558,-11.004]}"#
        let echo = try #require(EchoedTokens(try JSONValue(parsing: report, policy: .wire)))
        #expect(echo.scores(of: " Wort", after: "Ein naïves 🙂") == .known([-11.558, -11.004]))
        #expect(echo.scores(of: " 🙂 Wort", after: "Ein naïves") == .known([-4.11, -11.558, -11.004]))
        #expect(echo.scores(of: "Wort", after: "Ein naïves 🙂 ") == .straddled)
        #expect(EchoedTokens(try JSONValue(parsing: #"{"tokens":["E"],"token_logprobs":[null]}"#)) == nil)
    }

    @Test("Tokens that vLLM names by their ids have ids, and their bytes where these can be known")
    func tokensAsIDs() async throws {
        let model = try RemoteModel.faulty("ok", id: id, on: server, server: .vLLM) {
            $0.options = [.tokensAsIDs]
        }
        let options = GenerationOptions(maximumTokens: 2, alternatives: 3)
        let answer = try await model.generate(Request("SAY:Good day", options: options), into: .discarding)
        let tokens = try #require(answer.tokens)
        #expect(tokens.map(\.id) == [100, 121])
        #expect(tokens.map(\.bytes) == ["Good", " day"].map { Array($0.utf8) })
        #expect(tokens[0].alternatives.map(\.id) == [100, 62, 62])
        #expect(tokens[0].alternatives.map(\.bytes) == [[], [], []], "a name is no text")
        // The server takes an id for a byte.
        let spelled = try #require(try await model.spelling(answer).tokens)
        #expect(spelled[0].alternatives.map(\.bytes) == ["Good", ">", ">"].map { Array($0.utf8) })
        #expect(spelled.map(\.bytes) == tokens.map(\.bytes))
        let older =
            #"{"choices":[{"index":0,"text":" x","logprobs":{"tokens":["token_id:7"],"token_logprobs":[-0.5],"top_logprobs":[{"token_id:7":-0.5,"token_id:9":-2,"token_id:x":-3}]}}]}"#
        var assembly = AnswerAssembly(alternatives: 3, maximumTokens: nil)
        _ = try assembly.consume(Array(older.utf8))
        let token = try #require(assembly.response(model: "m", promptBytes: 1, price: nil).tokens?.first)
        #expect(token.id == 7 && token.bytes.isEmpty)
        #expect(token.alternatives.map(\.id) == [7, 9, nil])
        #expect(token.alternatives[2].bytes == Array("token_id:x".utf8))
    }

    @Test("vLLM loads an adapter, offers it under a name of its own, and forgets it")
    func adapters() async throws {
        let model = try model(.vLLM, "as=vllm")
        #expect(try await model.availableAdapters() == [])
        let adapted = try await model.loadAdapter("sums", from: "/adapters/sums")
        #expect(adapted.model == "sums" && adapted.name == "sums")
        #expect(try await model.availableAdapters() == ["sums"])
        #expect(try await adapted.respond(to: "hi").text.hasPrefix("Paris"))
        try await adapted.checkAvailability()
        try await model.unloadAdapter("sums")
        #expect(try await model.availableAdapters() == [])
        let gone = await #expect(throws: CollabError.self) { try await adapted.respond(to: "hi") }
        #expect(gone?.remoteFailure?.kind == .notFound)
        for work: @Sendable () async throws -> Void in [
            { _ = try await model.loadAdapter("none", from: "nowhere") },
            { try await model.unloadAdapter("sums") },
        ] {
            let error = await #expect(throws: CollabError.self) { try await work() }
            #expect(error?.remoteFailure?.kind == .notFound)
            #expect(error?.message.contains("found") == true)
        }
        let refused = await #expect(throws: CollabError.self) {
            try await self.model(.llamaCPP).unloadAdapter("sums")
        }
        #expect(refused?.code == .unsupported)
    }

    @Test("Options become each server's fields")
    func options() throws {
        func body(_ server: ServerKind, _ options: ServerOption...) throws -> JSONValue {
            let settings = RemoteSettings(options: options)
            return .object(try RequestBody(model: "m", server: server, settings: settings).make(for: "hi"))
        }
        let choices = ServerOption.choices(["yes", "n\"o"])
        #expect(
            try body(.vLLM, choices)["structured_outputs"]?.description == #"{"choice":["yes","n\"o"]}"#
        )
        #expect(try body(.llamaCPP, choices)["grammar"]?.stringValue == #"root ::= "yes" | "n\"o""#)
        let vLLM = try body(
            .vLLM,
            .runningUsage,
            .tokenIDs,
            .tokensAsIDs,
            .logitBias([7: -100, 3: 1]),
            .allowedTokens([1, 2])
        )
        #expect(
            vLLM["stream_options"]?.description == #"{"include_usage":true,"continuous_usage_stats":true}"#
        )
        #expect(vLLM["return_token_ids"]?.boolValue == true)
        #expect(vLLM["return_tokens_as_token_ids"]?.boolValue == true)
        #expect(vLLM["logit_bias"]?.description == #"{"3":1.0,"7":-100.0}"#)
        #expect(vLLM["allowed_token_ids"]?.description == "[1,2]")
        let llama = try body(.llamaCPP, .slot(2), .reusesPrompt(false), .adapters([1: 0.5, 0: 1]))
        #expect(llama["id_slot"]?.intValue == 2)
        #expect(llama["cache_prompt"]?.boolValue == false)
        #expect(llama["lora"]?.description == #"[{"id":0,"scale":1.0},{"id":1,"scale":0.5}]"#)
        let schema = try body(.compatible, .jsonSchema(["type": "object"]))
        #expect(schema["response_format"]?["json_schema"]?["schema"]?["type"]?.stringValue == "object")
    }

    @Test("An option that the server does not have is refused when the model is made")
    func refusedOptions() throws {
        let cases: [(ServerKind, ServerOption)] = [
            (.vLLM, .slot(1)), (.llamaCPP, .regularExpression("a+")),
            (.compatible, .grammar("root ::= \"a\"")),
            (.anthropic, .jsonSchema(["type": "object"])), (.ollama, .logitBias([1: 1])),
        ]
        for (kind, option) in cases {
            let error = #expect(throws: CollabError.self) {
                try RemoteModel.faulty("ok", id: id, on: server, server: kind) { $0.options = [option] }
            }
            #expect(error?.code == .unsupported)
            #expect(error?.message.contains(kind.name) == true)
        }
    }

    @Test("vLLM's ids of tokens come with the tokens")
    func tokenIDs() throws {
        var assembly = AnswerAssembly(alternatives: 1, maximumTokens: nil)
        let chunk =
            #"{"choices":[{"index":0,"delta":{"content":"Hello"},"logprobs":{"content":[{"token":"Hello","logprob":-0.5,"bytes":[72,101,108,108,111],"top_logprobs":[]}]},"finish_reason":"length","token_ids":[19556]}]}"#
        _ = try assembly.consume(Array(chunk.utf8))
        let response = assembly.response(model: "m", promptBytes: 1, price: nil)
        #expect(response.tokens?.map(\.id) == [19556])
    }
}
