/// A number that steers a merge: the same everywhere, or different for members, tensors and layers.
///
/// Write `0.5` for one number and `[0.7, 0.3]` for one a member; rules over tensors and layers nest in both:
///
/// ```swift
/// .taskArithmetic(weights: [
///     .matching(["self_attn": 0.3, "mlp": .gradient([1, 0.5, 0], layers: 30)], otherwise: 0.5),
///     0.8,
/// ])
/// ```
public struct MergeParameter: Sendable {
    private let rule: @Sendable (_ tensor: String, _ member: Int) -> Double
    /// How many members it has values for; `nil` if for any number.
    let memberCount: Int?
    /// The values if they are the same for all tensors: one a member, or one for all.
    let constants: [Double]?

    private init(
        memberCount: Int?,
        constants: [Double]?,
        _ rule: @escaping @Sendable (String, Int) -> Double
    ) {
        self.memberCount = memberCount
        self.constants = constants
        self.rule = rule
    }

    /// Makes a parameter from a rule over a tensor's name and a member's place, counted from 0.
    public init(_ rule: @escaping @Sendable (_ tensor: String, _ member: Int) -> Double) {
        self.init(memberCount: nil, constants: nil, rule)
    }

    /// The same number everywhere.
    public static func constant(_ value: Double) -> MergeParameter {
        MergeParameter(memberCount: nil, constants: [value]) { _, _ in value }
    }

    /// One parameter a member.
    public static func members(_ parameters: [MergeParameter]) -> MergeParameter {
        let constants = parameters.enumerated().map { index, parameter in
            parameter.constants.map { $0.count == 1 ? $0[0] : $0[min(index, $0.count - 1)] }
        }
        return MergeParameter(
            memberCount: parameters.count,
            constants: constants.contains { $0 == nil } ? nil : constants.compactMap { $0 }
        ) { tensor, member in
            parameters.indices.contains(member) ? parameters[member].rule(tensor, member) : .nan
        }
    }

    /// The parameter of the first text that occurs in the tensor's name.
    public static func matching(
        _ rules: KeyValuePairs<String, MergeParameter>,
        otherwise parameter: MergeParameter
    ) -> MergeParameter {
        MergeParameter { tensor, member in
            (rules.first { occurs($0.key, in: tensor) }?.value ?? parameter).rule(tensor, member)
        }
    }

    /// Values spread over the layers and interpolated between them; tensors outside of layers take the first.
    ///
    /// The layer is the number behind `layers.` or `blk.` in the tensor's name; the first layer takes the first value
    /// and the last layer the last.
    public static func gradient(_ values: [Double], layers: Int) -> MergeParameter {
        MergeParameter { tensor, _ in
            guard let first = values.first else { return .nan }
            guard let layer = layerIndex(of: tensor) else { return first }
            let share = layers <= 1 ? 1 : min(1, Double(layer) / Double(layers - 1))
            let place = share * Double(values.count - 1)
            let lower = min(Int(place), values.count - 1)
            let upper = min(lower + 1, values.count - 1)
            return values[lower] + (place - Double(lower)) * (values[upper] - values[lower])
        }
    }

    /// The number for a tensor and a member.
    public func value(tensor: String, member: Int = 0) -> Double { rule(tensor, member) }

    /// The numbers for a tensor and so many members.
    func values(tensor: String, memberCount: Int) -> [Double] {
        (0..<memberCount).map { value(tensor: tensor, member: $0) }
    }

    /// Throws ``CollabError/Code/invalidRequest`` unless there is a value for every member, and every value that is
    /// known in advance, or that a tensor has, is acceptable.
    func validate(
        _ name: String,
        memberCount: Int,
        tensor: String? = nil,
        _ isAcceptable: (Double) -> Bool = { $0.isFinite },
        _ demand: String = "must be finite numbers"
    ) throws(CollabError) {
        if let count = self.memberCount, count != memberCount {
            throw CollabError(
                .invalidRequest,
                "There are \(count) \(name) for \(memberCount) member\(memberCount == 1 ? "" : "s") of the merge."
            )
        }
        if let bad = constants?.first(where: { !isAcceptable($0) }) {
            throw CollabError(.invalidRequest, "The \(name) of a merge \(demand); \(bad) is not.")
        }
        // What a rule makes of a tensor's name is known for that tensor alone.
        guard let tensor, constants == nil else { return }
        for (member, value) in values(tensor: tensor, memberCount: memberCount).enumerated()
        where !isAcceptable(value) {
            throw CollabError(
                .invalidRequest,
                "The \(name) of a merge \(demand); \(value), for member \(member) and “\(tensor)”, is not."
            )
        }
    }
}

extension MergeParameter: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    /// The same number everywhere.
    public init(floatLiteral value: Double) { self = .constant(value) }
    /// The same number everywhere.
    public init(integerLiteral value: Int) { self = .constant(Double(value)) }
    /// One parameter a member.
    public init(arrayLiteral elements: MergeParameter...) { self = .members(elements) }
}

/// Whether a text occurs in another.
private func occurs(_ part: String, in text: String) -> Bool { end(of: part, in: text) != nil }

/// Where a text ends in another, first.
private func end(of part: String, in text: String) -> String.UTF8View.Index? {
    let (view, wanted) = (text.utf8, part.utf8)
    var start = view.startIndex
    while true {
        if view[start...].starts(with: wanted) { return view.index(start, offsetBy: wanted.count) }
        if start == view.endIndex { return nil }
        start = view.index(after: start)
    }
}

/// The layer that a tensor belongs to.
private func layerIndex(of tensor: String) -> Int? {
    for prefix in ["layers.", "blk."] {
        guard let start = end(of: prefix, in: tensor) else { continue }
        return Int(tensor[start...].prefix { $0.isASCII && $0.isNumber })
    }
    return nil
}
