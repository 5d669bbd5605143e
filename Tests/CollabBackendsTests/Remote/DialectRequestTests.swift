import Collab
import Testing

@testable import CollabBackends

/// What is written for a request in each dialect, against the documentation of each protocol.
@Suite("Requests in every dialect")
struct DialectRequestTests {
    static let call = ToolCall(id: "call_1", name: "weather", arguments: #"{"city":"Paris"}"#)
    static let dialogue = Request(
        [
            .system("Be brief."),
            .user("What is this?", attachments: [.image([1, 2, 3], mediaType: "image/png")]),
            .assistant("Let me see.", toolCalls: [call]), .toolResult("rain", of: call), .user("So?"),
        ],
        options: GenerationOptions(maximumTokens: 7)
    )

    private func body(_ request: Request, _ server: ServerKind) throws -> JSONValue {
        .object(try RequestBody(model: "m", server: server, settings: RemoteSettings()).make(for: request))
    }

    @Test("Chat completions: parts of content, calls with text arguments, results as turns of a tool")
    func chatCompletions() throws {
        #expect(
            try body(Self.dialogue, .compatible)["messages"]?.description
                == #"[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"image_url","#
                + #""image_url":{"url":"data:image/png;base64,AQID"}},{"type":"text","text":"What is this?"}]},"#
                + #"{"role":"assistant","content":"Let me see.","tool_calls":[{"id":"call_1","type":"function","#
                + #""function":{"name":"weather","arguments":"{\"city\":\"Paris\"}"}}]},"#
                + #"{"role":"tool","content":"rain","tool_call_id":"call_1"},{"role":"user","content":"So?"}]"#
        )
    }

    @Test("Anthropic: instructions apart, results in a user's turn, arguments as an object, a limit always")
    func anthropic() throws {
        #expect(
            try body(Self.dialogue, .anthropic).description
                == #"{"model":"m","system":"Be brief.","messages":[{"role":"user","content":[{"type":"image","#
                + #""source":{"type":"base64","media_type":"image/png","data":"AQID"}},"#
                + #"{"type":"text","text":"What is this?"}]},{"role":"assistant","content":["#
                + #"{"type":"text","text":"Let me see."},{"type":"tool_use","id":"call_1","name":"weather","#
                + #""input":{"city":"Paris"}}]},{"role":"user","content":[{"type":"tool_result","#
                + #""tool_use_id":"call_1","content":"rain"}]},{"role":"user","content":"So?"}],"#
                + #""stream":true,"max_tokens":7,"temperature":0.0}"#
        )
        #expect(try body("hi", .anthropic)["max_tokens"]?.intValue == 4096)
    }

    @Test("Responses: items of input, nothing kept by the server")
    func responses() throws {
        #expect(
            try body(Self.dialogue, .openAIResponses).description
                == #"{"model":"m","input":[{"type":"message","role":"system","content":"Be brief."},"#
                + #"{"type":"message","role":"user","content":[{"type":"input_image","#
                + #""image_url":"data:image/png;base64,AQID"},{"type":"input_text","text":"What is this?"}]},"#
                + #"{"type":"message","role":"assistant","content":"Let me see."},"#
                + #"{"type":"function_call","call_id":"call_1","name":"weather","#
                + #""arguments":"{\"city\":\"Paris\"}"},{"type":"function_call_output","call_id":"call_1","#
                + #""output":"rain"},{"type":"message","role":"user","content":"So?"}],"#
                + #""stream":true,"store":false,"max_output_tokens":7,"temperature":0.0}"#
        )
    }

    @Test("Ollama: options in an object, images as bare base64, arguments as an object")
    func ollama() throws {
        #expect(
            try body(Self.dialogue, .ollama).description
                == #"{"model":"m","messages":[{"role":"system","content":"Be brief."},"#
                + #"{"role":"user","content":"What is this?","images":["AQID"]},"#
                + #"{"role":"assistant","content":"Let me see.","tool_calls":[{"function":{"name":"weather","#
                + #""arguments":{"city":"Paris"}}}]},{"role":"tool","content":"rain","tool_name":"weather"},"#
                + #"{"role":"user","content":"So?"}],"stream":true,"options":{"num_predict":7,"temperature":0.0}}"#
        )
        let completion = try body(.completion("Once"), .ollama)
        #expect(completion["prompt"]?.stringValue == "Once")
        #expect(completion["raw"]?.boolValue == true)
    }

    @Test("Ollama's results name their tools: by the call's identifier, or in the order of calls without one")
    func ollamaResults() throws {
        let named = [
            ToolCall(id: "a", name: "weather", arguments: "{}"),
            ToolCall(id: "b", name: "time", arguments: "{}"),
        ]
        let unnamed = named.map { ToolCall(id: "", name: $0.name, arguments: "{}") }
        func tools(_ calls: [ToolCall], answering order: [Int]) throws -> [String?] {
            let question: [Message] = [.user("q"), .assistant("", toolCalls: calls)]
            let results: [Message] = order.map { .toolResult("r", of: calls[$0]) }
            let turns = try body(Request(question + results), .ollama)["messages"]?.arrayValue ?? []
            return turns.suffix(order.count).map { $0["tool_name"]?.stringValue }
        }
        #expect(try tools(named, answering: [1, 0]) == ["time", "weather"])
        #expect(try tools(unnamed, answering: [0, 1]) == ["weather", "time"])
    }

    @Test("Extra fields join an object that is there, and do not replace what is needed")
    func extras() throws {
        var settings = RemoteSettings()
        settings.extras = ["options": ["num_ctx": 8192], "keep_alive": "5m"]
        let made = try RequestBody(model: "m", server: .ollama, settings: settings).make(for: "hi")
        let json = JSONValue.object(made)
        #expect(json["options"]?["num_ctx"]?.intValue == 8192)
        #expect(json["options"]?["temperature"]?.doubleValue == 0)
        #expect(json["keep_alive"]?.stringValue == "5m")
        for (server, field) in [
            (ServerKind.anthropic, "system"), (.openAIResponses, "input"), (.ollama, "messages"),
        ] {
            settings.extras = [field: "x", "messages": "y"]
            let request = Request([.system("s"), .user("u")])
            #expect(throws: CollabError.self) {
                try RequestBody(model: "m", server: server, settings: settings).make(for: request)
            }
        }
    }

    @Test("What a protocol cannot say is refused before anything is sent")
    func unsupported() throws {
        let cases: [(ServerKind, Request)] = [
            (.anthropic, .completion("Once")), (.openAIResponses, .completion("Once")),
            (.anthropic, Request("hi", options: GenerationOptions(seed: 1))),
            (.anthropic, Request("hi", options: GenerationOptions(alternatives: 1))),
            (.anthropic, Request("hi", options: GenerationOptions(sampling: .temperature(1.5)))),
            (.openAIResponses, Request("hi", options: GenerationOptions(stopSequences: ["x"]))),
            (.openAIResponses, Request("hi", options: GenerationOptions(seed: 1))),
            (.ollama, Request([.user("hi", attachments: [.imageAddress("https://example.org/a.png")])])),
            (
                .ollama,
                Request([.user("hi", attachments: [.file([1], mediaType: "application/pdf", name: "a")])])
            ),
        ]
        for (server, request) in cases {
            let error = #expect(throws: CollabError.self) { try body(request, server) }
            #expect(error?.code == .unsupported)
            #expect(error?.message.contains(server.name) == true)
        }
        let broken = ToolCall(id: "1", name: "f", arguments: "[1")
        let request = Request([
            .user("hi"), .assistant("", toolCalls: [broken]), .toolResult("x", of: broken),
        ])
        let error = #expect(throws: CollabError.self) { try body(request, .anthropic) }
        #expect(error?.code == .invalidRequest)
    }

    @Test("Nothing of a message is dropped: what has no place in a protocol is refused")
    func nothingIsDropped() throws {
        let picture = Attachment.image([1], mediaType: "image/png")
        let result = Message(.tool, "rain", attachments: [picture], toolCallID: "call_1")
        let instructions = Message(.system, "Be brief.", attachments: [picture])
        let cases: [(ServerKind, Message)] = [
            (.anthropic, result), (.openAIResponses, result), (.anthropic, instructions),
        ]
        for (server, message) in cases {
            let error = #expect(throws: CollabError.self) {
                try body(Request([message, .user("So?")]), server)
            }
            #expect(error?.code == .unsupported, "\(server.name)")
        }
        for arguments in ["not JSON", "[1]"] {
            let call = ToolCall(id: "1", name: "weather", arguments: arguments)
            let request = Request([.user("?"), .assistant("", toolCalls: [call]), .toolResult("x", of: call)])
            for server in [ServerKind.ollama, .anthropic] {
                let error = #expect(throws: CollabError.self) { try body(request, server) }
                #expect(error?.code == .invalidRequest, "\(server.name)")
            }
        }
    }

    @Test("The key and the version go where each protocol has them")
    func header() async throws {
        func fields(_ server: ServerKind, _ settings: RemoteSettings = RemoteSettings()) async throws
            -> [String: String]
        {
            let endpoint = try Endpoint(
                "http://127.0.0.1:1",
                key: Secret { canaryKey },
                settings: settings,
                dialect: server.dialect
            )
            let (request, _, _) = try await endpoint.request("POST", "x", body: [])
            return Dictionary(request.fields.map { ($0.name.lowercased(), $0.value) }) { _, last in last }
        }
        let anthropic = try await fields(.anthropic)
        #expect(anthropic["x-api-key"] == canaryKey)
        #expect(anthropic["authorization"] == nil)
        #expect(anthropic["anthropic-version"] == "2023-06-01")
        let newer = try await fields(.anthropic, RemoteSettings(fields: ["Anthropic-Version": "2030-01-01"]))
        #expect(newer["anthropic-version"] == "2030-01-01")
        #expect(try await fields(.openAIResponses)["authorization"] == "Bearer " + canaryKey)
        let proxied = try await fields(.anthropic, RemoteSettings(keyField: .bearer))
        #expect(proxied["authorization"] == "Bearer " + canaryKey)
        #expect(try await fields(.ollama)["accept"] == "application/x-ndjson, application/json")
    }
}
