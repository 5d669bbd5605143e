import Collab
import Testing

@testable import CollabBackends

/// What holds for the decoders of every protocol, whatever comes: fields and events that nobody knows change nothing,
/// and values of the wrong kind do no worse than an error.
@Suite("Properties of the dialects' decoders")
struct DialectPropertyTests {
    private static let samples = DialectAnswerTests.samples

    /// The events of a sample, each as JSON; the word that ends a stream is left out.
    private func events(_ dialect: Dialect, _ bytes: [UInt8]) throws -> [JSONValue] {
        var framing = EventFraming(dialect.coding.framing, maximumLength: 1 << 20)
        var all = try framing.consume(bytes)
        if let last = try framing.end() { all.append(last) }
        return all.compactMap { try? JSONValue(parsing: $0.data, policy: .wire) }
    }

    private func response(_ dialect: Dialect, _ events: [JSONValue]) throws -> Response {
        var assembly = AnswerAssembly(alternatives: 2, maximumTokens: nil, dialect: dialect)
        for event in events { _ = try assembly.consume(event.encoded()) }
        return assembly.response(model: "m", promptBytes: 8, price: nil)
    }

    private func expectSame(
        _ left: Response,
        _ right: Response,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(left.text == right.text, sourceLocation: location)
        #expect(left.thinking == right.thinking, sourceLocation: location)
        #expect(left.toolCalls == right.toolCalls, sourceLocation: location)
        #expect(left.ending == right.ending, sourceLocation: location)
        #expect(left.usage == right.usage, sourceLocation: location)
    }

    /// Changes every object but those that are a tool's arguments.
    private func changingObjects(_ value: JSONValue, _ change: (JSONObject) -> JSONObject) -> JSONValue {
        switch value {
        case .array(let elements): return .array(elements.map { changingObjects($0, change) })
        case .object(let object):
            var inner = JSONObject()
            for member in object {
                inner[member.key] =
                    ["arguments", "input"].contains(member.key)
                    ? member.value : changingObjects(member.value, change)
            }
            return .object(change(inner))
        default: return value
        }
    }

    @Test("Fields and events that nobody knows change nothing", arguments: samples)
    func unknown(dialect: Dialect, bytes: [UInt8]) throws {
        let events = try events(dialect, bytes)
        let plain = try response(dialect, events)
        #expect(plain.text == "Let me see.")
        let padded = events.flatMap { event in
            [
                ["type": "response.some_future_event", "delta": "no", "index": 99],
                changingObjects(event) { object in
                    var object = object
                    object["obfuscation"] = "aGVsbG8"
                    object["x-new"] = [["nested": nil]]
                    return object
                },
            ] as [JSONValue]
        }
        expectSame(try response(dialect, padded), plain)
    }

    @Test("The order of the fields makes no difference", arguments: samples)
    func order(dialect: Dialect, bytes: [UInt8]) throws {
        let events = try events(dialect, bytes)
        let turned = events.map { event in
            changingObjects(event) { object in
                var turned = JSONObject()
                for member in object.reversed() { turned[member.key] = member.value }
                return turned
            }
        }
        expectSame(try response(dialect, turned), try response(dialect, events))
    }

    @Test(
        "A value of the wrong kind anywhere is an error or an answer, with counts that can be",
        arguments: samples
    )
    func wrongKinds(dialect: Dialect, bytes: [UInt8]) throws {
        let events = try events(dialect, bytes)
        let strangers: [JSONValue] = [
            nil, true, -1, 9_223_372_036_854_775_807, .unsigned(.max), 1e308, "", "\u{0}", [], [[]], [:],
            ["error": nil],
        ]
        for (position, event) in events.enumerated() {
            for place in 0..<event.nodes {
                for stranger in strangers {
                    var changed = events
                    changed[position] = event.replacing(place, by: stranger)
                    guard let response = try? response(dialect, changed) else { continue }
                    let usage = response.usage
                    #expect(usage.promptTokens >= 0 && usage.completionTokens >= 0)
                    #expect(usage.cachedTokens + usage.cacheWriteTokens <= usage.promptTokens)
                    #expect(usage.reasoningTokens <= usage.completionTokens)
                }
                var assembly = AnswerAssembly(alternatives: 2, maximumTokens: nil, dialect: dialect)
                _ = try? assembly.consumeWhole(event.replacing(place, by: strangers[place % 12]).encoded())
            }
        }
    }

    @Test("A numbered event of Responses that comes twice counts once")
    func numberedTwice() throws {
        let sample = try #require(Self.samples.first { $0.dialect == .responses })
        let numbered = try events(.responses, sample.bytes).enumerated().map { number, event in
            var object = event.objectValue ?? JSONObject()
            object["sequence_number"] = JSONValue(number)
            return JSONValue.object(object)
        }
        let once = try response(.responses, numbered)
        expectSame(try response(.responses, numbered.flatMap { [$0, $0] }), once)
        #expect(once.text == "Let me see.")
    }

    @Test("llama.cpp's Responses number no items; its calls are told apart by their names")
    func unnumberedItems() throws {
        let events: [JSONValue] = [
            [
                "type": "response.output_item.added",
                "item": ["type": "function_call", "call_id": "fc_a", "name": "weather", "arguments": ""],
            ],
            ["type": "response.function_call_arguments.delta", "item_id": "fc_a", "delta": "{\"city\":"],
            ["type": "response.function_call_arguments.delta", "item_id": "fc_a", "delta": "\"Paris\"}"],
            [
                "type": "response.output_item.added",
                "item": [
                    "type": "function_call", "id": "item_b", "call_id": "fc_b", "name": "time",
                    "arguments": "",
                ],
            ],
            ["type": "response.function_call_arguments.delta", "item_id": "item_b", "delta": "{}"],
            ["type": "response.completed", "response": ["status": "completed"]],
        ]
        #expect(
            try response(.responses, events).toolCalls == [
                ToolCall(id: "fc_a", name: "weather", arguments: #"{"city":"Paris"}"#),
                ToolCall(id: "fc_b", name: "time", arguments: "{}"),
            ]
        )
    }

    @Test("Parts of a summary of the reasoning are paragraphs, in pieces as in a whole")
    func summaries() throws {
        let events: [JSONValue] = [
            ["type": "response.reasoning_summary_part.added", "summary_index": 0],
            ["type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": "First."],
            ["type": "response.reasoning_summary_part.added", "summary_index": 1],
            ["type": "response.reasoning_summary_text.delta", "summary_index": 1, "delta": "Second."],
            ["type": "response.completed", "response": ["status": "completed"]],
        ]
        #expect(try response(.responses, events).thinking == "First.\n\nSecond.")
    }
}

extension JSONValue {
    /// How many values this is made of, itself among them.
    fileprivate var nodes: Int {
        switch self {
        case .array(let elements): 1 + elements.reduce(0) { $0 + $1.nodes }
        case .object(let object): 1 + object.reduce(0) { $0 + $1.value.nodes }
        default: 1
        }
    }

    /// The same with another value in one place, counted in the order of the text.
    fileprivate func replacing(_ place: Int, by other: JSONValue) -> JSONValue {
        if place == 0 { return other }
        var rest = place - 1
        func inner(_ value: JSONValue) -> JSONValue {
            defer { rest -= value.nodes }
            return (0..<value.nodes).contains(rest) ? value.replacing(rest, by: other) : value
        }
        switch self {
        case .array(let elements): return .array(elements.map(inner))
        case .object(let object):
            var changed = JSONObject()
            for member in object { changed[member.key] = inner(member.value) }
            return .object(changed)
        default: return self
        }
    }
}
