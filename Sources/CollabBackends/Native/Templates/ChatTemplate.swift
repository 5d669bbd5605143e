public import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A model's chat template: writes a dialogue the way the model was trained to read it.
///
/// Models ship these templates in Jinja. This is an interpreter of the part of Jinja that they use, with the settings
/// that they are written for: the line break after a block tag and the spaces before one are dropped, `break` and
/// `continue` exist, `raise_exception` and `strftime_now` too, and `tojson` does not escape HTML. It evaluates no code
/// and reads no files, and ``TemplateLimits`` bound what one rendering may use.
///
///     let template = try ChatTemplate(source: source)
///     let prompt = try template.render(messages: [.user("Hello")], addGenerationPrompt: true)
///
/// What a message says is copied as it is. Text such as `<|im_end|>` in it looks like the template's own markers once
/// it is rendered; whoever takes messages from outside looks for them first.
public struct ChatTemplate: Sendable {
    /// The template's text.
    public let source: String
    /// What one rendering may use.
    public let limits: TemplateLimits
    /// Seconds since 1970, for templates that write the date.
    public var now: @Sendable () -> Int = { Int(time(nil)) }
    private let statements: [TemplateStatement]

    /// Reads a template.
    ///
    /// Throws `malformedFile`, with the line, where it is not well-formed, and `unsupported` where it uses tags such
    /// as `include` or is larger than the limits allow.
    public init(source: String, limits: TemplateLimits = TemplateLimits()) throws(CollabError) {
        guard source.utf8.count <= limits.sourceBytes else {
            throw CollabError(
                .unsupported,
                "The chat template has \(source.utf8.count) bytes; the limit is \(limits.sourceBytes)."
            )
        }
        self.source = source
        self.limits = limits
        var lexer = TemplateLexer(source)
        var parser = TemplateParser(try lexer.tokenise(), limits: limits)
        statements = try parser.parse()
    }

    /// The prompt for a dialogue.
    ///
    /// - Parameters:
    ///   - messages: the dialogue so far.
    ///   - addGenerationPrompt: whether the beginning of the model's next turn is written.
    ///   - bosToken: how the beginning-of-sequence token is written.
    ///   - eosToken: how the end-of-sequence token is written.
    ///   - extra: further variables, such as `tools`.
    ///
    /// Throws `invalidRequest` where the template refuses the messages (for example a role that it does not know) or
    /// fails on them, and `unsupported` where it exceeds its limits.
    public func render(
        messages: [Message],
        addGenerationPrompt: Bool = true,
        bosToken: String = "",
        eosToken: String = "",
        extra: JSONObject = JSONObject()
    ) throws(CollabError) -> String {
        try render(
            messages: messages.map(\.templateValue),
            addGenerationPrompt: addGenerationPrompt,
            bosToken: bosToken,
            eosToken: eosToken,
            extra: extra
        )
    }

    /// The prompt for a dialogue whose messages have more than a role and text, such as tool calls.
    public func render(
        messages: [JSONValue],
        addGenerationPrompt: Bool = true,
        bosToken: String = "",
        eosToken: String = "",
        extra: JSONObject = JSONObject()
    ) throws(CollabError) -> String {
        var reader = TemplateInputReader()
        var variables: [String: TemplateValue] = [
            "messages": try reader.read(.array(messages)),
            "add_generation_prompt": .bool(addGenerationPrompt),
            "bos_token": try reader.read(.string(bosToken)),
            "eos_token": try reader.read(.string(eosToken)),
        ]
        for member in extra { variables[member.key] = try reader.read(member.value) }
        let evaluator = TemplateEvaluator(limits: limits, inputBytes: reader.byteCount, now: now)
        return try evaluator.render(statements, variables: variables)
    }
}

/// Turns JSON into the values that templates work on, and measures it.
struct TemplateInputReader {
    /// How large what has been read is.
    private(set) var byteCount = 0

    mutating func read(_ value: JSONValue, depth: Int = 0) throws(CollabError) -> TemplateValue {
        guard depth < TemplateLimits.valueDepth else {
            throw CollabError(.invalidRequest, "Messages or variables for the chat template nest too deep.")
        }
        byteCount += 8
        switch value {
        case .null: return .none
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(Int(value))
        case .unsigned(let value): return .double(Double(value))
        case .double(let value): return .double(value)
        case .string(let text):
            byteCount += text.utf8.count
            return .string(text)
        case .array(let elements):
            var values: [TemplateValue] = []
            values.reserveCapacity(elements.count)
            for element in elements { values.append(try read(element, depth: depth + 1)) }
            return .list(TemplateList(values))
        case .object(let object):
            var members: [(key: TemplateValue, value: TemplateValue)] = []
            for member in object {
                byteCount += member.key.utf8.count
                members.append((.string(member.key), try read(member.value, depth: depth + 1)))
            }
            return .mapping(TemplateMapping(members))
        }
    }
}

extension Message {
    /// Under what name a tool call's arguments are.
    static let argumentsKey = "arguments"
    /// Under what names a tool call's name and id are, and the id of the call that a result belongs to.
    static let identifierKeys: Set<String> = ["id", "name", "tool_call_id"]

    /// The message as templates know it: with its tool calls in OpenAI's form, the arguments as an object if they are
    /// one.
    var templateValue: JSONValue {
        var value: JSONObject = ["role": .string(role.rawValue), "content": .string(text)]
        if !toolCalls.isEmpty {
            value["tool_calls"] = .array(
                toolCalls.map { call in
                    let arguments = try? JSONValue(parsing: Array(call.arguments.utf8), policy: .wire)
                    return [
                        "type": "function", "id": .string(call.id),
                        "function": [
                            "name": .string(call.name),
                            Self.argumentsKey: arguments ?? .string(call.arguments),
                        ],
                    ]
                }
            )
        }
        if let toolCallID { value["tool_call_id"] = .string(toolCallID) }
        return .object(value)
    }
}
