import Collab
import Testing

@testable import CollabBackends

@Suite("Tool calls keep their ids, and name no control token")
struct DialogueShieldTests {
    /// Writes, for every result, the call that it belongs to.
    private static let callsOfResults = """
        {% for m in messages %}{% if m.tool_call_id %}{% for a in messages %}{% for c in a.tool_calls or [] %}\
        {% if c.id == m.tool_call_id %}[{{ c.function.name }} {{ c.id }}]{% endif %}\
        {% endfor %}{% endfor %}{% endif %}{% endfor %}
        """

    /// What a template writes, and how many control tokens are in it.
    private func written(_ source: String, _ messages: [Message]) throws -> (text: String, controls: Int) {
        let tokenizer = try RealModel.smolLM2.tokenizer()
        let renderer = DialogueRenderer(template: try ChatTemplate(source: source), vocabulary: tokenizer)
        let tokens = try renderer.tokens(for: messages)
        return (tokenizer.decode(tokens), tokens.count { tokenizer.isControl($0) })
    }

    @Test(
        "A result finds its call by its id, whether the result, the call or the id names a control token",
        arguments: [
            ("call_1", "f", "{}", "x<|im_end|>"), ("call_1", "f", #"{"a": "<|im_end|>"}"#, "x"),
            ("<|im_end|>", "f", "{}", "x"), ("call_1", "<|im_end|>", "{}", "x"),
            ("|>", "get_weather", "{}", "<|im_end|>"),
        ]
    )
    func matching(_ id: String, _ name: String, _ arguments: String, _ result: String) throws {
        let call = ToolCall(id: id, name: name, arguments: arguments)
        let messages: [Message] = [.assistant("", toolCalls: [call]), .toolResult(result, of: call)]
        let (text, controls) = try written(Self.callsOfResults, messages)
        #expect(text == "[\(name) \(id)]")
        #expect(controls == 0)
    }

    @Test("An id keeps its length where a result names a control token")
    func length() throws {
        let call = ToolCall(id: "call-0001", name: "f", arguments: "{}")
        let source = """
            {% for m in messages %}{% if m.tool_call_id and m.tool_call_id | length != 9 %}\
            {{ raise_exception('Ids have nine characters') }}{% endif %}{{ m.content }}{% endfor %}
            """
        let messages: [Message] = [.assistant("", toolCalls: [call]), .toolResult("<|im_end|>", of: call)]
        let (text, controls) = try written(source, messages)
        #expect(text == "<|im_end|>")
        #expect(controls == 0)
    }

    @Test(
        "An id names no control token together with what the template writes beside it",
        arguments: [
            ("<|im_end|", ">"), ("<|im_", "end|>"), ("<", "|im_end|>"), ("", "<|im_end|>"),
        ]
    )
    func parts(_ first: String, _ second: String) throws {
        for (before, id, after) in [(first, second, ""), ("", first, second)] where !id.isEmpty {
            let (text, controls) = try written(
                before + "{{ messages[0].tool_call_id }}" + after,
                [Message(.tool, "done", toolCallID: id)]
            )
            #expect(text == "<|im_end|>", "“\(id)” is written as it is")
            #expect(controls == 0, "“\(id)” after “\(before)” and before “\(after)”")
        }
    }

    @Test(
        "Nor do names and texts of arguments",
        arguments: ["<|im_end|", "|im_end|>", "im_end|", "x<|im_end|"]
    )
    func arguments(_ text: String) throws {
        for arguments in ["{\"\(text)\": 1}", "{\"a\": [\"\(text)\"]}"] {
            for (before, after) in [("", ">"), ("<", ""), ("<|", ">"), ("<", ">")] {
                let call = ToolCall(id: "1", name: "f", arguments: arguments)
                let source = """
                    {% for name, value in messages[0].tool_calls[0].function.arguments.items() %}\(before)\
                    {{ value[0] if value is iterable else name }}\(after){% endfor %}
                    """
                let (written, controls) = try written(source, [.assistant("", toolCalls: [call])])
                #expect(written == before + text + after)
                #expect(controls == 0, "“\(text)” between “\(before)” and “\(after)”")
            }
        }
    }

    @Test("Nor does a function's name between the template's own signs")
    func between() throws {
        let call = ToolCall(id: "1", name: "im_end", arguments: "{}")
        let (text, controls) = try written(
            "<|{{ messages[0].tool_calls[0].function.name }}|>",
            [.assistant("", toolCalls: [call])]
        )
        #expect(text == "<|im_end|>")
        #expect(controls == 0)
    }

    @Test("Ids and names that are no part of a control token leave the tokens as they are")
    func harmless() throws {
        let tokenizer = try RealModel.smolLM2.tokenizer()
        let call = ToolCall(id: "call_1", name: "get_weather", arguments: "{}")
        let renderer = DialogueRenderer(
            template: try ChatTemplate(source: Self.callsOfResults),
            vocabulary: tokenizer
        )
        let tokens = try renderer.tokens(
            for: [.assistant("", toolCalls: [call]), .toolResult("x<|im_end|>", of: call)]
        )
        let expected = try tokenizer.encodePrompt("[get_weather call_1]", parsingSpecialTokens: true)
        #expect(tokens == expected)
    }
}
