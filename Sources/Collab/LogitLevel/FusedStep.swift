internal import CollabKernels

/// What fusing one row gave.
struct FusedStep: Sendable {
    /// The fused distribution; log-probabilities up to a constant.
    var logits: Logits
    /// The fused distribution's most probable token.
    var favourite: TokenID
    /// The fused distribution's entropy in nats.
    var entropy: Double
    /// How many tokens passed the mask; `nil` where there was none.
    var survivors: Int?
    /// How strongly the rule was applied: 0 is the base alone.
    var strength: Double
    /// What each member said; `nil` where it was not asked.
    var members: [Member?]

    /// What a member said at one token.
    struct Member: Sendable {
        /// Its logits.
        var logits: Logits
        /// log Σ eˣ of them.
        var normalizer: Double
        /// Its most probable token.
        var favourite: TokenID
        /// Its weight at this token.
        var weight: Double
        /// Its log-probability on average over the fused distribution.
        var expectation: Double
        /// KL(fused‖member) in nats.
        var divergence: Double

        /// Its log-probability of a token.
        func logprob(of token: TokenID) -> Double { Double(logits[token]) - normalizer }
    }
}

/// One row of every member, with what is measured of them once.
struct MemberRows {
    /// The members' logits, all of one length.
    let values: [[Float]]
    /// log Σ eˣ of each.
    let normalizers: [Double]
    /// Where the largest logit of each is.
    let favourites: [Int]

    /// - Parameter size: how many tokens the members' vocabulary has; `nil` if only the rows tell.
    ///
    /// Throws ``CollabError/Code/notFinite`` or ``CollabError/Code/nothingToSample`` with the member's name, and
    /// ``CollabError/Code/vocabularyMismatch`` if it has not a logit for every token.
    init(_ rows: [Logits], names: [String], size: Int? = nil) throws(CollabError) {
        // Rows behind the vocabulary's end are padding.
        let count = size ?? rows.map(\.count).min() ?? 0
        for (row, name) in zip(rows, names) where row.count < max(count, 1) {
            let vocabulary = size.map { " for a vocabulary of \($0) tokens" } ?? ""
            throw CollabError(.vocabularyMismatch, "“\(name)” gives \(row.count) logits\(vocabulary).")
        }
        values = rows.map { $0.count == count ? $0.values : Array($0.values[..<count]) }
        var normalizers: [Double] = []
        var favourites: [Int] = []
        for (row, name) in zip(values, names) {
            let (normalizer, favourite) = row.withUnsafeBufferPointer { Distribution.summary(of: $0) }
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
            favourites.append(favourite ?? 0)
        }
        self.normalizers = normalizers
        self.favourites = favourites
    }

    private init(values: [[Float]], normalizers: [Double], favourites: [Int]) {
        (self.values, self.normalizers, self.favourites) = (values, normalizers, favourites)
    }

    /// The same rows at some tokens alone; normalisers and favourites stay those of the whole rows.
    func restricted(to tokens: [Int]) -> MemberRows {
        MemberRows(values: values(at: tokens), normalizers: normalizers, favourites: favourites)
    }

    /// The rows as if there were no other tokens; normalisers stay those of the whole rows, favourites do not.
    func alone(at tokens: [Int]) -> MemberRows {
        let values = values(at: tokens)
        let favourites = values.map { $0.withUnsafeBufferPointer { Distribution.argmax($0) } ?? 0 }
        return MemberRows(values: values, normalizers: normalizers, favourites: favourites)
    }

    /// Whether some token is possible for all that have a weight.
    func havePossibleToken(weighted weights: [Double]) -> Bool {
        let used = values.indices.filter { weights[$0] != 0 }
        return values[0].indices.contains { token in used.allSatisfy { values[$0][token] > -.infinity } }
    }

    private func values(at tokens: [Int]) -> [[Float]] {
        values.map { row in row.withUnsafeBufferPointer { row in tokens.map { row[$0] } } }
    }

    /// A member's largest logit.
    func largest(_ index: Int) -> Float { values[index][favourites[index]] }
}
