import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The functions that every template has.
extension TemplateEvaluator {
    static var builtInFunctions: [String: TemplateValue] {
        let functions = [
            TemplateFunction("range") { evaluator, call throws(CollabError) in try evaluator.range(call) },
            TemplateFunction("namespace") { evaluator, call throws(CollabError) in
                let namespace = evaluator.makeNamespace()
                for (key, value) in try evaluator.members(call) {
                    guard let name = key.string else {
                        throw evaluator.failure("the names of attributes must be text")
                    }
                    namespace.attributes[name] = value
                }
                return .object(namespace)
            },
            TemplateFunction("dict") { evaluator, call throws(CollabError) in
                try evaluator.makeMapping(try evaluator.members(call))
            },
            TemplateFunction("raise_exception") { evaluator, call throws(CollabError) in
                let message = try call.positional.first.map { (value) throws(CollabError) in
                    try evaluator.text(value)
                }
                throw evaluator.failure(
                    "the template refuses these messages: \(message ?? "it gives no reason")"
                )
            },
            TemplateFunction("strftime_now") { evaluator, call throws(CollabError) in
                let format = try evaluator.textArgument(0, of: "strftime_now", call)
                return .string(try evaluator.formattedTime(format))
            },
            TemplateFunction("joiner") { evaluator, call throws(CollabError) in
                let separator = try call.bind(["sep"], for: "joiner", evaluator)[0] ?? .string(", ")
                let state = evaluator.makeNamespace()
                return .object(
                    TemplateFunction("joiner") { _, _ throws(CollabError) in
                        defer { state.attributes["used"] = .bool(true) }
                        return state.attributes["used"] == nil ? .string("") : separator
                    }
                )
            },
            TemplateFunction("cycler") { evaluator, call throws(CollabError) in
                guard !call.positional.isEmpty else { throw evaluator.failure("cycler needs values") }
                return .object(TemplateCycler(call.positional))
            },
        ]
        return Dictionary(uniqueKeysWithValues: functions.map { ($0.name, .object($0)) })
    }

    /// The members that a mapping or pairs, and named arguments, give.
    fileprivate func members(_ call: TemplateCall) throws(CollabError) -> [(
        key: TemplateValue, value: TemplateValue
    )] {
        guard call.positional.count <= 1 else { throw failure("only one mapping can be given") }
        var members: [(key: TemplateValue, value: TemplateValue)] = []
        switch call.positional.first {
        case .mapping(let mapping)?: members = mapping.members
        case let value?:
            for element in try elements(of: value) {
                let pair = try elements(of: element)
                guard pair.count == 2 else { throw failure("a mapping is made of pairs") }
                members.append((pair[0], pair[1]))
            }
        case nil: break
        }
        return members + call.named.map { (.string($0.name), $0.value) }
    }

    fileprivate func range(_ call: TemplateCall) throws(CollabError) -> TemplateValue {
        let parts = call.positional.compactMap(\.integer)
        guard parts.count == call.positional.count, (1...3).contains(parts.count) else {
            throw failure("range needs one to three whole numbers")
        }
        let (start, stop) = parts.count == 1 ? (0, parts[0]) : (parts[0], parts[1])
        let stride = parts.count == 3 ? parts[2] : 1
        guard stride != 0 else { throw failure("a range's step cannot be 0") }
        let (distance, overflow) = stop.subtractingReportingOverflow(start)
        let isEmpty = stride > 0 ? stop <= start : stop >= start
        let text = "range(\(start), \(stop)" + (stride == 1 ? ")" : ", \(stride))")
        if isEmpty { return try makeList([], kind: .range(text)) }
        let longest = TemplateLimits.longestRange
        guard !overflow, distance.magnitude / stride.magnitude < longest else {
            throw failure("a range is longer than \(longest)", .unsupported)
        }
        let count = Int((distance.magnitude - 1) / stride.magnitude) + 1
        try reserve(elements: count)
        return try makeList((0..<count).map { .integer(start + $0 * stride) }, kind: .range(text))
    }

    /// The local time, as `strftime` writes it.
    fileprivate func formattedTime(_ format: String) throws(CollabError) -> String {
        guard format.utf8.count <= 256 else {
            throw failure("the format of a time is too long", .unsupported)
        }
        if format.isEmpty { return "" }
        var seconds = time_t(now())
        var fields = tm()
        localtime_r(&seconds, &fields)
        // A space at the end tells an empty result from a buffer that is too small.
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = strftime(&buffer, buffer.count, format + " ", &fields)
        guard count > 0 else { throw failure("the format of a time is too long", .unsupported) }
        return String(decoding: buffer[..<(count - 1)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// What `cycler(…)` makes.
private final class TemplateCycler: TemplateObject {
    let values: [TemplateValue]
    var position = 0

    init(_ values: [TemplateValue]) {
        self.values = values
    }

    override var typeName: String { "cycler" }

    override func attribute(_ name: String) -> TemplateValue? {
        switch name {
        case "current": values[position]
        case "next":
            .object(
                TemplateFunction("cycler.next") { [self] _, _ throws(CollabError) in
                    defer { position = (position + 1) % values.count }
                    return values[position]
                }
            )
        case "reset":
            .object(
                TemplateFunction("cycler.reset") { [self] _, _ throws(CollabError) in
                    position = 0
                    return .none
                }
            )
        default: nil
        }
    }
}
