internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension FusionPlan {
    /// How strongly the rule applies, as far as the base alone decides it.
    func strength(of base: Logits, name: String, at moment: FusionMoment) throws(CollabError) -> Double {
        let strength = schedule.strength(after: moment.written)
        guard strength != 0, gate != .always, gate.looksAtBaseAlone else { return strength }
        let rows = try MemberRows([base], names: [name], size: vocabularySize)
        return isOpen(rows.values[0], rows.normalizers[0], moment) ? strength : 0
    }

    private func isOpen(_ base: [Float], _ normalizer: Double, _ moment: FusionMoment) -> Bool {
        gate.isOpen(Outlook(base, normalizer: normalizer, written: moment.written))
    }

    /// The base's own row, where the others have not been asked.
    func leaveAlone(_ base: Logits, name: String, memberCount: Int) throws(CollabError) -> FusedStep {
        let rows = try MemberRows([base], names: [name], size: vocabularySize)
        let favourite = TokenID(rows.favourites[0])
        let base = Logits(rows.values[0])
        let expectation = Distribution.expectations(
            of: [],
            under: base.values,
            normalizer: rows.normalizers[0]
        )[0]
        let own = expectation - rows.normalizers[0]
        var members = [FusedStep.Member?](repeating: nil, count: memberCount)
        members[reference] = FusedStep.Member(
            logits: base,
            normalizer: rows.normalizers[0],
            favourite: favourite,
            weight: 1,
            expectation: own,
            divergence: 0
        )
        return FusedStep(
            logits: base,
            favourite: favourite,
            entropy: -own,
            survivors: nil,
            strength: 0,
            members: members
        )
    }

    /// Fuses one row of every member.
    ///
    /// - Parameter allowed: what the answer can go on with; the mask leaves some of it.
    ///
    /// Throws ``CollabError/Code/notFinite`` or ``CollabError/Code/nothingToSample`` with the member's name.
    func fuse(
        _ logits: [Logits],
        names: [String],
        at moment: FusionMoment = FusionMoment(),
        leaving allowed: TokenMask? = nil
    ) throws(CollabError) -> FusedStep {
        let rows = try MemberRows(logits, names: names, size: vocabularySize)
        var strength = schedule.strength(after: moment.written)
        if strength != 0, !isOpen(rows, moment) { strength = 0 }
        let weights = weights(of: rows, strength: strength, at: moment)
        // A mask mostly leaves a handful of tokens; nothing need be known of the others.
        let kept = strength == 0 ? nil : tokens(passing: mask(for: weights, strength), rows, leaving: allowed)
        let considered = kept.map(rows.restricted) ?? rows
        let values = considered.values
        let fused = combine(considered, weights, strength: strength, at: moment)
        let (normalizer, favourite) = fused.withUnsafeBufferPointer { Distribution.summary(of: $0) }
        guard let favourite, normalizer > -.infinity else {
            if considered.havePossibleToken(weighted: weights) { throw overflow(weights) }
            throw CollabError(
                .nothingToSample,
                "No token is possible for all of \(names.joined(separator: ", ")) and passes the mask."
            )
        }
        guard normalizer.isFinite else { throw overflow(weights) }
        let expectations = Distribution.expectations(of: values, under: fused, normalizer: normalizer)
        let own = expectations[values.count] - normalizer
        return FusedStep(
            logits: Logits(kept.map { Self.spread(fused, at: $0, of: rows.values[0].count) } ?? fused),
            favourite: TokenID(kept?[favourite] ?? favourite),
            entropy: max(0, -own),
            survivors: kept == nil ? nil : fused.count { $0 > -.infinity },
            strength: strength,
            members: values.indices.map { index in
                let expectation = expectations[index] - rows.normalizers[index]
                return FusedStep.Member(
                    logits: Logits(rows.values[index]),
                    normalizer: rows.normalizers[index],
                    favourite: TokenID(rows.favourites[index]),
                    weight: weights[index],
                    expectation: expectation,
                    divergence: max(0, own - expectation)
                )
            }
        )
    }

    private func overflow(_ weights: [Double]) -> CollabError {
        CollabError(.notFinite, "The fused logits overflow; use smaller weights than \(weights).")
    }

    /// A whole row of values at some tokens, −∞ at all others.
    private static func spread(_ values: [Float], at tokens: [Int], of count: Int) -> [Float] {
        var row = [Float](repeating: -.infinity, count: count)
        row.withUnsafeMutableBufferPointer { row in
            for (token, value) in zip(tokens, values) { row[token] = value }
        }
        return row
    }

    // MARK: Gates and weights

    private func isOpen(_ rows: MemberRows, _ moment: FusionMoment) -> Bool {
        guard case .disagreement(let level) = gate else {
            return gate == .always || isOpen(rows.values[reference], rows.normalizers[reference], moment)
        }
        return rows.values.indices.contains { index in
            index != reference && Self.distance(rows, index, reference) > level
        }
    }

    /// The total variation distance of two members' distributions.
    private static func distance(_ rows: MemberRows, _ a: Int, _ b: Int) -> Double {
        let (first, second) = (Float(rows.normalizers[a]), Float(rows.normalizers[b]))
        var sum = 0.0
        for (x, y) in zip(rows.values[a], rows.values[b]) {
            sum += Double(abs(exp(x - first) - exp(y - second)))
        }
        return sum / 2
    }

    /// The mask where weights are as they are now: a schedule may have made one negative.
    private func mask(for weights: [Double], _ strength: Double) -> Fusion.Mask {
        // A union or an intersection goes as one row against the base's.
        let isOneRow = combination == .maximum || combination == .minimum
        let isSigned = isOneRow ? !(0...1).contains(strength) : weights.contains { $0 < 0 }
        guard isMaskAutomatic, mask == .none, isSigned else { return mask }
        return .plausibility(alpha: 0.1, of: .member(reference))
    }

    /// The weights at a moment and strength.
    private func weights(of rows: MemberRows, strength: Double, at moment: FusionMoment) -> [Double] {
        var weights = weights
        switch dynamics {
        case .constant: break
        case .posterior:
            if !moment.logLikelihoods.isEmpty {
                weights = softmax(zip(weights, moment.logLikelihoods).map { log($0) + $1 })
            }
        case .byEntropy(let temperature):
            let entropies = zip(rows.values, rows.normalizers).map { row, normalizer in
                normalizer - Distribution.expectations(of: [], under: row, normalizer: normalizer)[0]
            }
            weights = softmax(ofLosses: entropies, temperature: temperature)
        }
        guard strength != 1 else { return weights }
        return weights.indices.map { index in
            let alone = index == reference ? 1.0 : 0
            return alone + strength * (weights[index] - alone)
        }
    }

    // MARK: Combining

    private func combine(
        _ rows: MemberRows,
        _ weights: [Double],
        strength: Double,
        at moment: FusionMoment
    ) -> [Float] {
        if strength == 0 { return rows.values[reference] }
        let used = weights.indices.filter { weights[$0] != 0 }
        let values = used.map { rows.values[$0] }
        switch combination {
        case .logLinear:
            // Normalising the members would only add a constant, which the softmax removes.
            return Distribution.fuseLogLinear(values, weights: used.map { Float(weights[$0]) })
        case .linear where weights.allSatisfy { $0 >= 0 }:
            return Distribution.fuseLinear(
                values,
                shifts: used.map { Float(log(weights[$0]) - rows.normalizers[$0]) }
            )
        case .linear, .extrapolation:
            return Self.extrapolated(rows, weights)
        case .maximum, .minimum:
            let chosen = Self.extreme(rows, isLargest: combination == .maximum)
            return interpolated(rows, chosen, strength)
        case .classConditional:
            return Self.classConditional(rows, weights, reference, moment)
        }
    }

    /// The rule's row and the base's, at a strength that is not 1.
    private func interpolated(_ rows: MemberRows, _ row: [Float], _ strength: Double) -> [Float] {
        guard strength != 1 else { return row }
        return Distribution.fuseLogLinear(
            [rows.values[reference], row],
            weights: [Float(1 - strength), Float(strength)]
        )
    }

    /// What an extrapolated probability is at least.
    private static let floor: Float = 1e-8

    /// log max(Σ wᵢ pᵢ, 10⁻⁸); −∞ where the base of the sum finds a token impossible.
    private static func extrapolated(_ rows: MemberRows, _ weights: [Double]) -> [Float] {
        let shifts = rows.normalizers.map { Float($0) }
        let scales = weights.map { Float($0) }
        return rows.values[0].indices.map { token in
            var sum: Float = 0
            var isPossible = false
            for (index, row) in rows.values.enumerated() where scales[index] != 0 {
                if row[token] > -.infinity { isPossible = true }
                sum += scales[index] * exp(row[token] - shifts[index])
            }
            return isPossible ? log(max(sum, floor)) : -.infinity
        }
    }

    /// The largest or the smallest log-probability, token by token.
    private static func extreme(_ rows: MemberRows, isLargest: Bool) -> [Float] {
        let shifts = rows.normalizers.map { Float($0) }
        var result = rows.values[0].map { $0 - shifts[0] }
        for (row, shift) in zip(rows.values, shifts).dropFirst() {
            for token in result.indices {
                let value = row[token] - shift
                result[token] = isLargest ? max(result[token], value) : min(result[token], value)
            }
        }
        return result
    }

    /// ℓ_base + w log P(desired | text and token), where each class has found the text and the token as probable as its
    /// member says, in the mean over tokens.
    private static func classConditional(
        _ rows: MemberRows,
        _ weights: [Double],
        _ base: Int,
        _ moment: FusionMoment
    ) -> [Float] {
        let classes = weights.indices.filter { $0 != base && weights[$0] != 0 }
        guard let omega = classes.first.map({ Float(abs(weights[$0])) }) else { return rows.values[base] }
        let length = Float(moment.written + 1)
        let known = weights.indices.map { index in
            Float(
                (moment.logLikelihoods.isEmpty ? 0 : moment.logLikelihoods[index]) - rows.normalizers[index]
            )
        }
        return rows.values[base].indices.map { token in
            let own = rows.values[base][token]
            guard own > -.infinity else { return own }
            let scores = classes.map { (known[$0] + rows.values[$0][token]) / length }
            let top = scores.max() ?? 0
            guard top > -.infinity else { return own + omega * log(0.5) }
            var (desired, all): (Float, Float) = (0, 0)
            for (index, score) in zip(classes, scores) {
                let power = exp(score - top)
                all += power
                if weights[index] > 0 { desired += power }
            }
            // A class that finds a token impossible makes it improbable, not impossible.
            return own + omega * max(log(desired / all), -80)
        }
    }

    // MARK: Masks

    /// The tokens that a mask lets pass, and those that it would let pass if only the allowed ones existed; ascending, or
    /// `nil` without a mask.
    private func tokens(
        passing mask: Fusion.Mask,
        _ rows: MemberRows,
        leaving allowed: TokenMask?
    ) -> [Int]? {
        guard let kept = tokens(passing: mask, rows) else { return nil }
        guard let allowed else { return kept }
        if kept.allSatisfy({ allowed.contains(TokenID($0)) }) { return kept }
        if case .plausibility(_, .member(let index)) = mask,
            allowed.contains(TokenID(rows.favourites[index]))
        {
            // The threshold is the same.
            return kept
        }
        let places = allowed.places(below: rows.values[0].count)
        let others = places.isEmpty ? nil : tokens(passing: mask, rows.alone(at: places))
        return others.map { Set(kept).union($0.map { places[$0] }).sorted() } ?? kept
    }

    /// The tokens that a mask lets pass, ascending, or `nil` without a mask.
    private func tokens(passing mask: Fusion.Mask, _ rows: MemberRows) -> [Int]? {
        switch mask {
        case .none, .automatic: return nil
        case .plausibility(let alpha, .member(let index)): return Self.plausible(rows, index, alpha)
        case .plausibility(let alpha, .any):
            return Self.plausible(rows, alpha).reduce(into: Set()) { $0.formUnion($1) }.sorted()
        case .plausibility(let alpha, .all):
            let lists = Self.plausible(rows, alpha)
            let shared = lists.dropFirst().reduce(Set(lists[0])) { $0.intersection($1) }
            return (shared.isEmpty ? Set(lists.joined()) : shared).sorted()
        case .nucleus(let mass, let index):
            guard rows.largest(index) > -.infinity else { return [] }
            return rows.values[index].withUnsafeBufferPointer { row in
                Shortlist(of: row, maximum: rows.largest(index), scale: 1, sampling: Sampling(topP: mass))
                    .tokens
            }.sorted()
        case .sharedTop(let count): return Self.shared(rows.values, count)
        }
    }

    /// The tokens that each member finds plausible.
    private static func plausible(_ rows: MemberRows, _ alpha: Double) -> [[Int]] {
        rows.values.indices.map { plausible(rows, $0, alpha) }
    }

    /// The tokens at least α times as probable as a member's favourite; α = 0 keeps all that are possible.
    private static func plausible(_ rows: MemberRows, _ index: Int, _ alpha: Double) -> [Int] {
        let least = alpha > 0 ? Float(Double(rows.largest(index)) + log(alpha)) : -.infinity
        return rows.values[index].withUnsafeBufferPointer { Distribution.places(atLeast: least, in: $0) }
    }

    /// The tokens that all members' lists of favourites have in common, where these are just long enough to share so many.
    ///
    /// What a member finds impossible is not among its favourites. Where too few tokens are possible for all, it is those,
    /// and where there is none, all.
    private static func shared(_ values: [[Float]], _ count: Int) -> [Int] {
        let size = values[0].count
        var limit = min(count, size)
        while true {
            // How long all lists have to be to hold a token that is in all of them.
            var lengths = favourites(limit, of: values[0])
            for row in values.dropFirst() {
                let places = favourites(limit, of: row)
                lengths = lengths.reduce(into: [:]) { common, token in
                    if let place = places[token.key] { common[token.key] = max(place, token.value) }
                }
            }
            if lengths.count >= count {
                let longest = lengths.values.sorted()[count - 1]
                return lengths.filter { $0.value <= longest }.keys.sorted()
            }
            if limit == size { return lengths.isEmpty ? Array(0..<size) : lengths.keys.sorted() }
            limit = min(2 * limit, size)
        }
    }

    /// A member's most probable tokens with their places among them, from 0.
    private static func favourites(_ limit: Int, of row: [Float]) -> [Int: Int] {
        let top = row.withUnsafeBufferPointer { Distribution.topK(limit, of: $0) }
        return Dictionary(
            uniqueKeysWithValues: top.prefix { $0.value > -.infinity }.enumerated().map { ($1.index, $0) }
        )
    }
}
