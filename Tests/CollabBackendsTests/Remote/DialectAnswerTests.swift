import Collab
import Testing

@testable import CollabBackends

/// What is made of the events of each protocol; the samples follow the documentation of each.
@Suite("Answers in every dialect")
struct DialectAnswerTests {
    static func stream(_ events: [String]) -> [UInt8] {
        Array(events.map { "data: \($0)\n\n" }.joined().utf8)
    }

    /// Streams with everything that their dialects have, and what they must come to.
    static let samples: [(dialect: Dialect, bytes: [UInt8])] = [
        (
            .chatCompletions,
            stream([
                #"{"choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":"Hm"}}]}"#,
                #"{"choices":[{"index":0,"delta":{"reasoning_content":"m."}}]}"#,
                #"{"choices":[{"index":0,"delta":{"content":"Let me "}}]}"#,
                #"{"choices":[{"index":0,"delta":{"content":"see."}}]}"#,
                #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":""}}]}}]}"#,
                #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]}}]}"#,
                #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_2","function":{"name":"time","arguments":"{}"}}]}}]}"#,
                #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Paris\"}"}}]}}]}"#,
                #"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
                #"{"choices":[],"usage":{"prompt_tokens":25,"completion_tokens":12,"prompt_tokens_details":{"cached_tokens":16},"completion_tokens_details":{"reasoning_tokens":4}}}"#,
                "[DONE]",
            ])
        ),
        (
            .anthropicMessages,
            stream([
                #"{"type":"message_start","message":{"id":"msg_1","content":[],"usage":{"input_tokens":5,"cache_creation_input_tokens":4,"cache_read_input_tokens":16,"output_tokens":1}}}"#,
                #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
                #"{"type":"ping"}"#,
                #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hmm."}}"#,
                #"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"x"}}"#,
                #"{"type":"content_block_stop","index":0}"#,
                #"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
                #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Let me see."}}"#,
                #"{"type":"content_block_stop","index":1}"#,
                #"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"call_1","name":"weather","input":{}}}"#,
                #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}"#,
                #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}}"#,
                #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"\"Paris\"}"}}"#,
                #"{"type":"content_block_stop","index":2}"#,
                #"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"call_2","name":"time","input":{}}}"#,
                #"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
                #"{"type":"content_block_stop","index":3}"#,
                #"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":12}}"#,
                #"{"type":"message_stop"}"#,
            ])
        ),
        (
            .responses,
            stream([
                #"{"type":"response.created","response":{"id":"resp_1","status":"in_progress","error":null}}"#,
                #"{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"Hmm."}"#,
                #"{"type":"response.output_text.delta","item_id":"m","output_index":1,"content_index":0,"delta":"Let me "}"#,
                #"{"type":"response.output_text.delta","item_id":"m","output_index":1,"content_index":0,"delta":"see."}"#,
                #"{"type":"response.output_text.done","item_id":"m","output_index":1,"content_index":0,"text":"Let me see."}"#,
                #"{"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"weather","arguments":""}}"#,
                #"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":"{\"city\":"}"#,
                #"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":"\"Paris\"}"}"#,
                #"{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":2,"arguments":"{\"city\":\"Paris\"}"}"#,
                #"{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"weather","arguments":"{\"city\":\"Paris\"}"}}"#,
                #"{"type":"response.output_item.done","output_index":3,"item":{"type":"function_call","id":"fc_2","call_id":"call_2","name":"time","arguments":"{}"}}"#,
                #"{"type":"response.completed","response":{"id":"resp_1","status":"completed","error":null,"incomplete_details":null,"output":[],"usage":{"input_tokens":25,"input_tokens_details":{"cached_tokens":16},"output_tokens":12,"output_tokens_details":{"reasoning_tokens":4}}}}"#,
            ])
        ),
        (
            .ollama,
            Array(
                [
                    #"{"model":"m","message":{"role":"assistant","content":"","thinking":"Hmm."},"done":false}"#,
                    #"{"model":"m","message":{"role":"assistant","content":"Let me "},"done":false}"#,
                    #"{"model":"m","message":{"role":"assistant","content":"see."},"done":false}"#,
                    #"{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"weather","arguments":{"city":"Paris"}}}]},"done":false}"#,
                    #"{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"time","arguments":{}}}]},"done":false}"#,
                    #"{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":25,"eval_count":12}"#,
                ].joined(separator: "\n").utf8
            )
        ),
    ]

    private func read(_ dialect: Dialect, _ pieces: [[UInt8]]) throws -> Response {
        var framing = EventFraming(dialect.coding.framing, maximumLength: 1 << 20)
        var assembly = AnswerAssembly(alternatives: 3, maximumTokens: nil, dialect: dialect)
        for piece in pieces {
            for event in try framing.consume(piece) {
                _ = try assembly.consume(event.data, type: event.type)
            }
        }
        if let last = try framing.end() { _ = try assembly.consume(last.data, type: last.type) }
        #expect(assembly.isComplete)
        return assembly.response(model: "m", promptBytes: 40, price: nil)
    }

    private func events(_ dialect: Dialect, _ events: [String]) throws -> Response {
        try read(
            dialect,
            [dialect == .ollama ? Array(events.joined(separator: "\n").utf8) : Self.stream(events)]
        )
    }

    @Test("Text, thinking, tool calls, ending and usage come out of every dialect alike", arguments: samples)
    func everything(dialect: Dialect, bytes: [UInt8]) throws {
        let response = try read(dialect, [bytes])
        #expect(response.text == "Let me see.")
        #expect(response.thinking == "Hmm.")
        #expect(response.refusal == nil)
        #expect(response.ending == .toolCalls)
        let names = dialect == .ollama ? ["", ""] : ["call_1", "call_2"]
        #expect(
            response.toolCalls == [
                ToolCall(id: names[0], name: "weather", arguments: #"{"city":"Paris"}"#),
                ToolCall(id: names[1], name: "time", arguments: "{}"),
            ]
        )
        #expect(response.usage.promptTokens == 25)
        #expect(response.usage.completionTokens == 12)
        #expect(response.usage.cachedTokens == (dialect == .ollama ? 0 : 16))
        #expect(response.usage.cacheWriteTokens == (dialect == .anthropicMessages ? 4 : 0))
        #expect(response.usage.reasoningTokens == ([.chatCompletions, .responses].contains(dialect) ? 4 : 0))
    }

    @Test("It makes no difference how the bytes are cut", arguments: samples)
    func splits(dialect: Dialect, bytes: [UInt8]) throws {
        let whole = try read(dialect, [bytes])
        var random = SeededGenerator(seed: 5)
        for _ in 0..<60 {
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(90, rest.count), using: &random)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let response = try read(dialect, pieces)
            #expect(response.text == whole.text)
            #expect(response.toolCalls == whole.toolCalls)
            #expect(response.usage == whole.usage)
        }
    }

    @Test("Whatever is done to the bytes, nothing worse than an error comes of it", arguments: samples)
    func mutations(dialect: Dialect, bytes: [UInt8]) {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            var broken = bytes
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let position = Int.random(in: 0..<broken.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: broken[position] = UInt8.random(in: 0...255, using: &random)
                case 1: broken.remove(at: position)
                case 2: broken.replaceSubrange(position..<position, with: Array("-99999999999999999999".utf8))
                default: broken.insert(contentsOf: broken[..<min(position, 40)], at: position)
                }
            }
            var framing = EventFraming(dialect.coding.framing, maximumLength: 1 << 14)
            var assembly = AnswerAssembly(alternatives: 2, maximumTokens: 9, dialect: dialect)
            for event in (try? framing.consume(broken)) ?? [] {
                _ = try? assembly.consume(event.data, type: event.type)
                _ = try? assembly.consumeWhole(event.data)
            }
            let response = assembly.response(model: "m", promptBytes: 1, price: nil)
            #expect(response.usage.completionTokens >= 0)
            #expect(response.usage.promptTokens >= 0)
        }
    }

    @Test("A refusal is no answer, and its words are kept")
    func refusals() throws {
        let openAI = try events(
            .chatCompletions,
            [
                #"{"choices":[{"index":0,"delta":{"refusal":"I can"}}]}"#,
                #"{"choices":[{"index":0,"delta":{"refusal":"not."},"finish_reason":"stop"}]}"#, "[DONE]",
            ]
        )
        #expect(openAI.ending == .refused)
        #expect(openAI.refusal == "I cannot.")
        let responses = try events(
            .responses,
            [
                #"{"type":"response.refusal.delta","output_index":0,"content_index":0,"delta":"I cannot."}"#,
                #"{"type":"response.completed","response":{"status":"completed","output":[]}}"#,
            ]
        )
        #expect(responses.ending == .refused)
        #expect(responses.refusal == "I cannot.")
        let anthropic = try events(
            .anthropicMessages,
            [
                #"{"type":"message_start","message":{"usage":{"input_tokens":5,"output_tokens":1}}}"#,
                #"{"type":"message_delta","delta":{"stop_reason":"refusal"},"usage":{"output_tokens":2}}"#,
                #"{"type":"message_stop"}"#,
            ]
        )
        #expect(anthropic.ending == .refused)
        #expect(anthropic.text.isEmpty)
    }

    @Test(
        "Limits, filters and other endings",
        arguments: [
            (
                Dialect.anthropicMessages, #"{"type":"message_delta","delta":{"stop_reason":"max_tokens"}}"#,
                Response.Ending.tokenLimit
            ),
            (
                .anthropicMessages, #"{"type":"message_delta","delta":{"stop_reason":"pause_turn"}}"#,
                .other("pause_turn")
            ),
            (
                .responses,
                #"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#,
                .tokenLimit
            ),
            (
                .responses,
                #"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}}"#,
                .filtered
            ),
            (
                .responses, #"{"type":"response.cancelled","response":{"status":"cancelled"}}"#,
                .other("cancelled")
            ),
            (.ollama, #"{"message":{"content":"x"},"done":true,"done_reason":"length"}"#, .tokenLimit),
            (.ollama, #"{"message":{"content":"x"},"done":true,"done_reason":"unload"}"#, .other("unload")),
        ]
    )
    func endings(dialect: Dialect, event: String, ending: Response.Ending) throws {
        #expect(try events(dialect, [event]).ending == ending)
    }

    @Test("A response that failed is a complaint with its own class, although its status was good")
    func failedResponse() {
        var assembly = AnswerAssembly(alternatives: 0, maximumTokens: nil, dialect: .responses)
        let failed =
            #"{"type":"response.failed","response":{"status":"failed","error":{"code":"insufficient_quota","message":"No credit."}}}"#
        let problem = #expect(throws: AnswerAssembly.Problem.self) {
            try assembly.consume(Array(failed.utf8))
        }
        guard case .complaint(let complaint)? = problem else {
            Issue.record("no complaint")
            return
        }
        #expect(complaint.kind(httpStatus: nil) == .quotaExhausted)
    }

    @Test("Log-probabilities come from Responses and Ollama in the form of chat completions")
    func logprobs() throws {
        let entry =
            #"{"token":"Hi","logprob":-0.1,"bytes":[72,105],"top_logprobs":[{"token":"Hi","logprob":-0.1,"bytes":[72,105]}]}"#
        let responses = try events(
            .responses,
            [
                #"{"type":"response.output_text.delta","delta":"Hi","logprobs":["# + entry + "]}",
                #"{"type":"response.completed","response":{"status":"completed"}}"#,
            ]
        )
        let ollama = try events(
            .ollama,
            [
                #"{"message":{"content":"Hi"},"logprobs":["# + entry + #"],"done":false}"#,
                #"{"message":{"content":""},"done":true,"done_reason":"stop","eval_count":1}"#,
            ]
        )
        for response in [responses, ollama] {
            #expect(response.tokens?.map(\.bytes) == [[72, 105]])
            #expect(response.tokens?.first?.logprob == -0.1)
            #expect(response.tokens?.first?.alternatives.count == 1)
        }
    }

    @Test(
        "Whole answers, of servers that do not stream",
        arguments: [
            (
                Dialect.anthropicMessages,
                #"{"type":"message","content":[{"type":"thinking","thinking":"Hmm."},{"type":"text","text":"Let me see."},{"type":"tool_use","id":"call_1","name":"weather","input":{"city":"Paris"}}],"stop_reason":"tool_use","usage":{"input_tokens":25,"output_tokens":12}}"#
            ),
            (
                .responses,
                #"{"object":"response","status":"completed","error":null,"output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"Hmm."}]},{"type":"message","content":[{"type":"output_text","text":"Let me see."}]},{"type":"function_call","call_id":"call_1","name":"weather","arguments":"{\"city\":\"Paris\"}"}],"usage":{"input_tokens":25,"output_tokens":12}}"#
            ),
            (
                .chatCompletions,
                #"{"choices":[{"index":0,"finish_reason":"tool_calls","message":{"content":"Let me see.","reasoning":"Hmm.","tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Paris\"}"}}]}}],"usage":{"prompt_tokens":25,"completion_tokens":12}}"#
            ),
        ]
    )
    func wholeAnswers(dialect: Dialect, answer: String) throws {
        var assembly = AnswerAssembly(alternatives: 0, maximumTokens: nil, dialect: dialect)
        #expect(try assembly.consumeWhole(Array(answer.utf8)) == "Let me see.")
        let response = assembly.response(model: "m", promptBytes: 1, price: nil)
        #expect(response.thinking == "Hmm.")
        #expect(
            response.toolCalls == [ToolCall(id: "call_1", name: "weather", arguments: #"{"city":"Paris"}"#)]
        )
        #expect(response.ending == .toolCalls)
        #expect(response.usage.totalTokens == 37)
    }

    @Test("A call of too many tools, or with endless arguments, is refused")
    func floods() {
        var many = AnswerAssembly(alternatives: 0, maximumTokens: nil)
        let calls = (0...256).map { #"{"index":\#($0),"function":{"name":"f","arguments":"{}"}}"# }
        let chunk =
            #"{"choices":[{"index":0,"delta":{"tool_calls":["# + calls.joined(separator: ",") + "]}}]}"
        #expect(throws: AnswerAssembly.Problem.self) { try many.consume(Array(chunk.utf8)) }
    }
}
