import Collab
import CollabTesting
import Testing

@testable import CollabBackends

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Thinking that its server wants back beside the results of tools; the samples follow the protocols' documentation.
@Suite("Thinking that is sent back")
struct ThinkingReplayTests {
    /// What a model answers to a stream, and what its server is then sent of it.
    private func turn(
        _ events: [String],
        _ server: ServerKind
    ) throws -> (response: Response, next: JSONValue) {
        var assembly = AnswerAssembly(alternatives: 0, maximumTokens: nil, dialect: server.dialect)
        for event in events { _ = try assembly.consume(Array(event.utf8)) }
        let response = assembly.response(model: "m", promptBytes: 1, price: nil)
        var dialogue: [Message] = [.user("q"), .assistant(response)]
        for call in response.toolCalls { dialogue.append(.toolResult("r", of: call)) }
        return (response, try body(Request(dialogue), server))
    }

    private func body(_ request: Request, _ server: ServerKind) throws -> JSONValue {
        .object(try RequestBody(model: "m", server: server, settings: RemoteSettings()).make(for: request))
    }

    private let anthropic = [
        #"{"type":"message_start","message":{"usage":{"input_tokens":5,"output_tokens":1}}}"#,
        #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}}"#,
        #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"think."}}"#,
        #"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}"#,
        #"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"CgIY=="}}"#,
        #"{"type":"content_block_stop","index":0}"#,
        #"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"EmwKAhgB"}}"#,
        #"{"type":"content_block_stop","index":1}"#,
        #"{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}"#,
        #"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"I look."}}"#,
        #"{"type":"content_block_stop","index":2}"#,
        #"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t1","name":"f","input":{}}}"#,
        #"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}"#,
        #"{"type":"content_block_stop","index":3}"#,
        #"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}"#,
        #"{"type":"message_stop"}"#,
    ]

    private let anthropicTurn =
        #"[{"type":"thinking","thinking":"Let me think.","signature":"EqQBCgIY=="},"#
        + #"{"type":"redacted_thinking","data":"EmwKAhgB"},{"type":"text","text":"I look."},"#
        + #"{"type":"tool_use","id":"t1","name":"f","input":{"a":1}}]"#

    @Test("Anthropic gets its signed and its redacted thinking back, before the text and the calls")
    func anthropicBlocks() throws {
        let (response, next) = try turn(anthropic, .anthropic)
        #expect(response.thinking == "Let me think.")
        #expect(response.thinkingBlocks.map(\.text) == ["Let me think.", ""])
        #expect(next["messages"]?[1]?["content"]?.description == anthropicTurn)
        #expect(next["messages"]?[2]?["content"]?[0]?["tool_use_id"]?.stringValue == "t1")
        // A server that does not stream says the same.
        let whole =
            #"{"content":"# + anthropicTurn
            + #","stop_reason":"tool_use","usage":{"input_tokens":5,"output_tokens":9}}"#
        var assembly = AnswerAssembly(alternatives: 0, maximumTokens: nil, dialect: .anthropicMessages)
        _ = try assembly.consumeWhole(Array(whole.utf8))
        #expect(
            assembly.response(model: "m", promptBytes: 1, price: nil).thinkingBlocks
                == response.thinkingBlocks
        )
    }

    @Test("A block of thinking that breaks off is not kept, since its signature is missing")
    func brokenBlock() throws {
        var assembly = AnswerAssembly(alternatives: 0, maximumTokens: nil, dialect: .anthropicMessages)
        for event in anthropic.prefix(5) { _ = try assembly.consume(Array(event.utf8)) }
        let partial = assembly.response(model: "m", promptBytes: 1, price: nil)
        #expect(partial.thinking == "Let me think.")
        #expect(partial.thinkingBlocks.isEmpty)
    }

    private let responses = [
        #"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[]}}"#,
        #"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"Hm."}"#,
        #"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"gAAA","status":"completed"}}"#,
        #"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{}"}}"#,
        #"{"type":"response.output_item.done","output_index":2,"item":{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"gBBB"}}"#,
        #"{"type":"response.output_item.done","output_index":3,"item":{"type":"function_call","id":"fc_2","call_id":"c2","name":"f","arguments":"{}"}}"#,
        #"{"type":"response.output_item.done","output_index":4,"item":{"type":"reasoning","id":"rs_3","summary":[]}}"#,
        #"{"type":"response.completed","response":{"status":"completed","output":[],"usage":{"input_tokens":2,"output_tokens":9}}}"#,
    ]

    @Test("Responses gets its encrypted thinking back, each item before the call that it led to")
    func responsesItems() throws {
        let (response, next) = try turn(responses, .openAIResponsesReasoning)
        #expect(response.thinking == "Hm.")
        #expect(
            next["input"]?.description
                == #"[{"type":"message","role":"user","content":"q"},"#
                + #"{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm."}],"#
                + #""encrypted_content":"gAAA"},"#
                + #"{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},"#
                + #"{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"gBBB"},"#
                + #"{"type":"function_call","call_id":"c2","name":"f","arguments":"{}"},"#
                + #"{"type":"function_call_output","call_id":"c1","output":"r"},"#
                + #"{"type":"function_call_output","call_id":"c2","output":"r"}]"#
        )
        #expect(next["include"]?.description == #"["reasoning.encrypted_content"]"#)
        #expect(next["temperature"] == nil && next["store"]?.boolValue == false)
        #expect(try body("hi", .openAIResponses)["include"] == nil)
    }

    @Test("Thinking is sent to servers of its own protocol only")
    func otherProtocols() throws {
        let message = Message.assistant(try turn(anthropic, .anthropic).response)
        for kind in [ServerKind.compatible, .ollama, .openAIResponses] {
            #expect(try !body(Request([.user("q"), message]), kind).description.contains("EqQB"))
        }
    }

    @Test("Thinking comes back from its written form, and makes another request")
    func coding() throws {
        let message = Message.assistant(try turn(anthropic, .anthropic).response)
        let data = try JSONEncoder().encode(message)
        #expect(try JSONDecoder().decode(Message.self, from: data) == message)
        var plain = message
        plain.thinkingBlocks = []
        #expect(Request([plain]) != Request([message]))
        message.thinkingBlocks.forEach { #expect($0.format == "anthropicMessages") }
        var broken = message
        broken.thinkingBlocks[0].json = "no JSON"
        let error = #expect(throws: CollabError.self) { try body(Request([broken]), .anthropic) }
        #expect(error?.code == .invalidRequest)
    }

    @Test("Signed thinking that holds private parts is left out, since it cannot be changed")
    func privacy() async throws {
        let base = ScriptedModel("m", always: "ok")
        var message = Message.assistant(try turn(anthropic, .anthropic).response)
        message.thinkingBlocks[0].text = "They are ann@example.org."
        _ = try await base.redacting().respond(to: Request([.user("q"), message, .user("And?")]))
        let sent = try #require(base.requests.last).messages
        #expect(sent[1].thinkingBlocks.map(\.text) == [""])
    }
}
