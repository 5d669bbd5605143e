/// A parameter's value as a configuration writes it.
public enum Setting: Hashable, Sendable {
    /// A number.
    case number(Double)
    /// A truth value.
    case flag(Bool)
    /// A text.
    case text(String)
}

/// What a configuration says of one parameter: rules, of which the first that fits a tensor counts.
public struct ScopedSetting: Hashable, Sendable {
    /// One value, or values that run from the first layer to the last.
    public enum Value: Hashable, Sendable {
        /// The same in every layer.
        case single(Setting)
        /// Values spread evenly over the layers: numbers are interpolated, others picked.
        case gradient([Setting])
    }

    /// A value, and for which tensors it is meant.
    public struct Rule: Hashable, Sendable {
        /// A part of the tensor's name; `nil` for all tensors.
        public var filter: String?
        /// The value.
        public var value: Value

        /// Makes a rule.
        public init(filter: String? = nil, value: Value) {
            self.filter = filter
            self.value = value
        }
    }

    /// The rules, the first that fits first.
    public var rules: [Rule]

    /// Makes a setting.
    public init(rules: [Rule]) { self.rules = rules }

    /// The value for a tensor, or `nil` where no rule fits.
    ///
    /// - Parameters:
    ///   - tensor: the name that filters look at.
    ///   - depth: where the tensor's layer stands, from 0 for the first to 1 for the last; 0 outside of layers.
    public func value(for tensor: String, depth: Double) -> Setting? {
        for rule in rules {
            if let filter = rule.filter, filter != "*", !tensor.contains(filter) { continue }
            switch rule.value {
            case .single(let setting): return setting
            case .gradient(let settings): return Self.value(of: settings, at: depth)
            }
        }
        return nil
    }

    private static func value(of settings: [Setting], at depth: Double) -> Setting? {
        guard let last = settings.indices.last else { return nil }
        let place = depth * Double(last)
        let lower = min(Int(place), last)
        if case .number(let first) = settings[lower], case .number(let next) = settings[min(lower + 1, last)]
        {
            return .number(first + (place - Double(lower)) * (next - first))
        }
        return settings[lower]
    }
}

/// The parameters that one part of a configuration sets, by name.
public typealias ParameterScope = [String: ScopedSetting]
