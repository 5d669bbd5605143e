import Collab
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How messages, answers and usages are written down: what is plain keeps the form that old cassettes have.
@Suite("Messages and answers as JSON")
struct MessageCodingTests {
    private func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    @Test("Plain text is a role and a text")
    func plain() throws {
        #expect(try text(Message.user("Hi")) == #"{"role":"user","text":"Hi"}"#)
        let usage = try text(Usage(promptTokens: 1, completionTokens: 2, calls: 1))
        #expect(!usage.contains("reasoning") && !usage.contains("cacheWrite"))
        let response = try text(Response(text: "x", model: "m"))
        #expect(!response.contains("toolCalls") && !response.contains("thinking"))
    }

    @Test("What is beside the text comes back, and makes another request")
    func rich() throws {
        let call = ToolCall(id: "1", name: "f", arguments: "{}")
        let messages: [Message] = [
            .user(
                "a",
                attachments: [.image([1], mediaType: "image/png"), .imageAddress("https://example.org")]
            ),
            .assistant("", toolCalls: [call]), .toolResult("r", of: call),
        ]
        let data = try JSONEncoder().encode(messages)
        #expect(try JSONDecoder().decode([Message].self, from: data) == messages)
        #expect(Request([messages[0]]) != Request([.user("a")]))
        let response = Response(
            text: "",
            model: "m",
            ending: .toolCalls,
            thinking: "t",
            refusal: "r",
            toolCalls: [call],
            usage: Usage(promptTokens: 9, cacheWriteTokens: 3, completionTokens: 4, reasoningTokens: 2)
        )
        let again = try JSONDecoder().decode(Response.self, from: try JSONEncoder().encode(response))
        #expect(again.ending == .toolCalls)
        #expect((again.thinking, again.refusal) == ("t", "r"))
        #expect(again.toolCalls == [call])
        #expect(again.usage == response.usage)
    }
}
