internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A fusion rule made ready for a number of members: weights resolved, mask decided.
struct FusionPlan: Sendable {
    let combination: Fusion.Combination
    let weights: [Double]
    let mask: Fusion.Mask
    /// The member with the largest positive weight (ties: the first): whose text the others change.
    let reference: Int

    /// Resolves a rule, or throws ``CollabError/Code/emptyTeam`` or ``CollabError/Code/invalidRequest``.
    init(_ fusion: Fusion, memberCount: Int) throws(CollabError) {
        func check(_ holds: Bool, _ text: String) throws(CollabError) {
            if !holds { throw CollabError(.invalidRequest, "The fusion “\(fusion.name)” \(text)") }
        }
        if memberCount == 0 {
            throw CollabError(
                .emptyTeam,
                "The fusion “\(fusion.name)” has no members; give it at least one model."
            )
        }
        var weights: [Double]
        switch fusion.weights {
        case .equal: weights = Array(repeating: 1 / Double(memberCount), count: memberCount)
        case .asWritten(let written), .normalised(let written): weights = written
        }
        try check(
            weights.count == memberCount,
            "has \(weights.count) weights for \(memberCount) member\(memberCount == 1 ? "" : "s")."
        )
        try check(weights.allSatisfy(\.isFinite), "has a weight that is not a finite number: \(weights).")
        if case .normalised = fusion.weights {
            let sum = weights.reduce(0, +)
            try check(abs(sum) > 1e-12, "cannot divide its weights by their sum, which is 0: \(weights).")
            weights = weights.map { $0 / sum }
        }
        if fusion.combination == .linear {
            try check(
                weights.allSatisfy { $0 >= 0 },
                "mixes probabilities, whose weights must not be negative."
            )
            let sum = weights.reduce(0, +)
            try check(sum > 0, "has no positive weight.")
            weights = weights.map { $0 / sum }
        }
        try check(weights.contains { $0 != 0 }, "has no weight other than 0.")
        let largest = weights.max() ?? 0
        reference = weights.firstIndex(of: largest) ?? 0
        combination = fusion.combination
        self.weights = weights
        mask = try Self.resolve(fusion, weights: weights, reference: reference)
    }

    private static func resolve(
        _ fusion: Fusion,
        weights: [Double],
        reference: Int
    ) throws(CollabError) -> Fusion.Mask {
        func check(_ holds: Bool, _ text: String) throws(CollabError) {
            if !holds {
                throw CollabError(.invalidRequest, "The mask of the fusion “\(fusion.name)” \(text)")
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
        }
        return fusion.mask
    }
}

/// What fusing one row gave.
struct FusedStep: Sendable {
    /// The fused distribution; log-probabilities up to a constant.
    var logits: Logits
    /// Each member's own most probable token.
    var favourites: [TokenID]
    /// The fused distribution's most probable token.
    var favourite: TokenID
    /// KL(fused‖member) in nats.
    var divergences: [Double]
}

extension FusionPlan {
    /// Fuses one row of every member.
    ///
    /// Throws ``CollabError/Code/notFinite`` or ``CollabError/Code/nothingToSample`` with the member's name.
    func fuse(_ rows: [Logits], names: [String]) throws(CollabError) -> FusedStep {
        // Rows of models with one vocabulary differ in their padding at most.
        let count = rows.map(\.count).min() ?? 0
        let rows = rows.map { $0.count == count ? $0 : Logits(Array($0.values[..<count])) }
        var normalizers: [Double] = []
        for (row, name) in zip(rows, names) {
            let normalizer = row.values.withUnsafeBufferPointer { Distribution.logSumExp($0) }
            if normalizer == -.infinity {
                throw CollabError(.nothingToSample, "Every token is masked out (−∞) by “\(name)”.")
            }
            guard normalizer.isFinite else {
                throw CollabError(
                    .notFinite,
                    "A logit of “\(name)” is NaN or +∞; the model or its weights are broken."
                )
            }
            normalizers.append(normalizer)
        }
        let values = rows.map(\.values)
        var fused = combine(values, normalizers)
        try apply(mask, to: &fused, values)
        let (normalizer, favourite) = fused.withUnsafeBufferPointer { fused in
            (Distribution.logSumExp(fused), Distribution.argmax(fused))
        }
        guard let favourite, normalizer > -.infinity else {
            throw CollabError(
                .nothingToSample,
                "No token is possible for all of \(names.joined(separator: ", ")) and passes the mask."
            )
        }
        guard normalizer.isFinite else {
            throw CollabError(.notFinite, "The fused logits overflow; use smaller weights than \(weights).")
        }
        let expectations = Distribution.expectations(of: values, under: fused, normalizer: normalizer)
        let ownExpectation = expectations[rows.count] - normalizer
        return FusedStep(
            logits: Logits(fused),
            favourites: values.map { row in
                TokenID(row.withUnsafeBufferPointer { Distribution.argmax($0) } ?? 0)
            },
            favourite: TokenID(favourite),
            divergences: zip(expectations, normalizers).map { expectation, normalizer in
                max(0, ownExpectation - (expectation - normalizer))
            }
        )
    }

    private func combine(_ values: [[Float]], _ normalizers: [Double]) -> [Float] {
        let used = weights.indices.filter { weights[$0] != 0 }
        let rows = used.map { values[$0] }
        switch combination {
        case .logLinear:
            // Normalising the members would only add a constant, which the softmax removes.
            return Distribution.fuseLogLinear(rows, weights: used.map { Float(weights[$0]) })
        case .linear:
            return Distribution.fuseLinear(
                rows,
                shifts: used.map { Float(log(weights[$0]) - normalizers[$0]) }
            )
        }
    }

    private func apply(
        _ mask: Fusion.Mask,
        to fused: inout [Float],
        _ values: [[Float]]
    ) throws(CollabError) {
        switch mask {
        case .none, .automatic: break
        case .plausibility(let alpha, .member(let index)):
            _ = Distribution.mask(
                &fused,
                references: [values[index]],
                thresholds: [threshold(values[index], alpha)],
                required: 1
            )
        case .plausibility(let alpha, .any):
            let thresholds = values.map { threshold($0, alpha) }
            _ = Distribution.mask(&fused, references: values, thresholds: thresholds, required: 1)
        case .plausibility(let alpha, .all):
            let thresholds = values.map { threshold($0, alpha) }
            let unmasked = fused
            let left = Distribution.mask(
                &fused,
                references: values,
                thresholds: thresholds,
                required: values.count
            )
            if left == 0 {
                fused = unmasked
                _ = Distribution.mask(&fused, references: values, thresholds: thresholds, required: 1)
            }
        case .nucleus(let mass, let index):
            let kept = values[index].withUnsafeBufferPointer { row -> [Int] in
                let top = Distribution.argmax(row).map { row[$0] } ?? 0
                return Shortlist(of: row, maximum: top, scale: 1, sampling: Sampling(topP: mass)).tokens
            }
            var masked = [Float](repeating: -.infinity, count: fused.count)
            for token in kept { masked[token] = fused[token] }
            fused = masked
        }
    }

    /// max + ln α, the least logit of a plausible token; α = 0 keeps everything.
    private func threshold(_ row: [Float], _ alpha: Double) -> Float {
        guard alpha > 0 else { return -.infinity }
        let top = row.withUnsafeBufferPointer { row in Distribution.argmax(row).map { row[$0] } } ?? 0
        return Float(Double(top) + log(alpha))
    }
}
