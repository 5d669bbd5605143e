/// A fusion rule made ready for a number of members: weights resolved, mask decided.
struct FusionPlan: Sendable {
    /// What weights are apart from numbers.
    enum Dynamics: Hashable, Sendable {
        /// Nothing.
        case constant
        /// Priors, to be multiplied by how probable a member has found the text.
        case posterior
        /// Found anew for every token from the members' entropies.
        case byEntropy(temperature: Double)
    }

    let combination: Fusion.Combination
    let weights: [Double]
    let dynamics: Dynamics
    let mask: Fusion.Mask
    /// Whether nobody has chosen a mask, so that a weight that becomes negative brings one.
    let isMaskAutomatic: Bool
    /// The member whose text the others change.
    let reference: Int
    let schedule: Fusion.Schedule
    let gate: Fusion.Gate
    /// How many tokens the members' vocabulary has, if that is known: what lies behind them in a row is padding.
    var vocabularySize: Int?

    /// Resolves a rule, or throws ``CollabError/Code/emptyTeam`` or ``CollabError/Code/invalidRequest``.
    ///
    /// - Parameter losses: each member's mean loss over its prompt, where the weights depend on it.
    init(_ fusion: Fusion, memberCount: Int, losses: [Double]? = nil) throws(CollabError) {
        func check(_ holds: Bool, _ text: @autoclosure () -> String) throws(CollabError) {
            if !holds { throw CollabError(.invalidRequest, "The fusion “\(fusion.name)” \(text())") }
        }
        if memberCount == 0 {
            throw CollabError(
                .emptyTeam,
                "The fusion “\(fusion.name)” has no members; give it at least one model whose weights do not cancel."
            )
        }
        let equal = Array(repeating: 1 / Double(memberCount), count: memberCount)
        var weights: [Double]
        var dynamics = Dynamics.constant
        switch fusion.weights {
        case .equal: weights = equal
        case .asWritten(let written), .normalised(let written): weights = written
        case .posterior(let priors):
            weights = priors
            dynamics = .posterior
            try check(
                fusion.combination == .linear,
                "has weights by the text, which mix probabilities alone."
            )
        case .byEntropy(let temperature):
            try check(temperature > 0, "has an entropy temperature of \(temperature); it must be above 0.")
            weights = equal
            dynamics = .byEntropy(temperature: temperature)
        case .byPromptPerplexity(let temperature):
            try check(temperature > 0, "has a loss temperature of \(temperature); it must be above 0.")
            weights = losses.map { softmax(ofLosses: $0, temperature: temperature) } ?? equal
        }
        try check(
            weights.count == memberCount,
            "has \(weights.count) weights for \(memberCount) member\(memberCount == 1 ? "" : "s")."
        )
        try check(weights.allSatisfy(\.isFinite), "has a weight that is not a finite number: \(weights).")
        if case .normalised = fusion.weights {
            let sum = weights.reduce(0, +)
            try check(
                sum != .infinity,
                "has weights whose sum overflows; use smaller ones than \(weights)."
            )
            try check(
                sum > 1e-12,
                "cannot divide its weights by their sum, which is \(sum) and must be positive: \(weights)."
            )
            try check(
                fusion.combination != .linear || weights.allSatisfy { $0 >= 0 },
                "mixes probabilities, whose weights must not be negative."
            )
            weights = weights.map { $0 / sum }
        }
        if fusion.combination == .linear {
            try check(
                weights.allSatisfy { $0 >= 0 },
                "mixes probabilities, whose weights must not be negative."
            )
            let sum = weights.reduce(0, +)
            try check(sum > 0, "has no positive weight.")
            try check(sum.isFinite, "has weights whose sum overflows; use smaller ones than \(weights).")
            weights = weights.map { $0 / sum }
        }
        try check(
            weights.allSatisfy { Float($0).isFinite },
            "has weights that overflow; use smaller ones than \(weights)."
        )
        try check(weights.contains { $0 != 0 }, "has no weight other than 0.")
        if let fault = fusion.schedule.fault { try check(false, "has a schedule that \(fault).") }
        if let fault = fusion.gate.fault { try check(false, "has a gate that \(fault).") }
        let largest = weights.max() ?? 0
        let reference = fusion.base ?? weights.firstIndex(of: largest) ?? 0
        try check(
            (0..<memberCount).contains(reference),
            "has member \(reference) as its base, which does not exist."
        )
        try Self.check(fusion, weights, reference)
        self.reference = reference
        combination = fusion.combination
        schedule = fusion.schedule
        gate = fusion.gate
        self.weights = weights
        self.dynamics = dynamics
        mask = try Self.resolve(fusion, weights: weights, reference: reference)
        isMaskAutomatic = fusion.mask == .automatic
    }

    /// Checks what only some combinations ask for.
    private static func check(
        _ fusion: Fusion,
        _ weights: [Double],
        _ reference: Int
    ) throws(CollabError) {
        let fault: String? =
            switch fusion.combination {
            case .logLinear, .linear, .extrapolation: nil
            case .maximum, .minimum:
                weights.allSatisfy { $0 == weights[0] } ? nil : "compares members, which takes equal weights"
            case .classConditional:
                classFault(weights.indices.filter { $0 != reference }.map { weights[$0] }, weights[reference])
            }
        if let fault { throw CollabError(.invalidRequest, "The fusion “\(fusion.name)” \(fault).") }
    }

    private static func classFault(_ classes: [Double], _ base: Double) -> String? {
        if base != 1 { return "weighs its base by \(base) instead of 1" }
        guard classes.contains(where: { $0 > 0 }), classes.contains(where: { $0 < 0 }) else {
            return "needs members of positive and of negative weight beside its base"
        }
        return classes.allSatisfy { abs($0) == abs(classes[0]) }
            ? nil : "has weights of different sizes for its classes"
    }

    private static func resolve(
        _ fusion: Fusion,
        weights: [Double],
        reference: Int
    ) throws(CollabError) -> Fusion.Mask {
        func check(_ holds: Bool, _ text: @autoclosure () -> String) throws(CollabError) {
            if !holds {
                throw CollabError(.invalidRequest, "The mask of the fusion “\(fusion.name)” \(text())")
            }
        }
        switch fusion.mask {
        case .automatic:
            return weights.contains { $0 < 0 } ? .plausibility(alpha: 0.1, of: .member(reference)) : .none
        case .none: break
        case .plausibility(let alpha, let member):
            try check(alpha >= 0 && alpha <= 1, "has α = \(alpha); it must lie between 0 and 1.")
            if case .member(let index) = member {
                try check(weights.indices.contains(index), "goes by member \(index), which does not exist.")
            }
        case .nucleus(let mass, let index):
            try check(mass > 0 && mass <= 1, "has a mass of \(mass); it must be above 0 and at most 1.")
            try check(weights.indices.contains(index), "goes by member \(index), which does not exist.")
        case .sharedTop(let count):
            try check(count >= 1, "wants \(count) tokens in common; the least is 1.")
        }
        return fusion.mask
    }

    /// Whether tokens may be masked out: a schedule may bring a mask along with negative weights.
    var mayMask: Bool { mask != .none || (isMaskAutomatic && schedule != .constant) }

    /// Whether the fusion goes by how probable the members have found what is written.
    var readsLikelihoods: Bool { dynamics == .posterior || combination == .classConditional }

    /// Whether the base may be left to write a token alone, without a look at the others.
    var mayLeaveBaseAlone: Bool {
        !readsLikelihoods && (schedule.maySleep || (gate != .always && gate.looksAtBaseAlone))
    }
}

/// What is known of an answer before one of its tokens.
struct FusionMoment: Sendable, Hashable {
    /// How many tokens have been written.
    var written = 0
    /// For each member, Σ ℓᵢ of the tokens that have been written, where the rule goes by it.
    var logLikelihoods: [Double] = []
}

/// e^(−x/τ) of each, divided by their sum; from the least on, which no temperature makes infinite.
func softmax(ofLosses losses: [Double], temperature: Double) -> [Double] {
    let least = losses.min() ?? 0
    return softmax(losses.map { (least - $0) / temperature })
}

/// e^x of each, divided by their sum.
func softmax(_ values: [Double]) -> [Double] {
    let top = values.max() ?? 0
    let powers = values.map { exp($0 - top) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
}

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif
