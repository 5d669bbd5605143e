internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Who moved the choice of one token of a fusion.
public struct TokenAttribution: Hashable, Sendable {
    /// A member's part.
    public struct Member: Hashable, Sendable {
        /// The member's name.
        public var name: String
        /// Natural logarithm of the token's probability for this member alone.
        public var logprob: Double
        /// The member's own favourite here.
        public var favourite: TokenID
        /// What the fusion would have preferred without this member; `nil` if nothing is left without it.
        public var favouriteWithout: TokenID?
        /// How much the member speaks for the token rather than for ``TokenAttribution/alternative``, in nats: its weight
        /// times the difference of its log-probabilities in a log-linear fusion; in a linear one its share of the
        /// difference of probabilities.
        public var contribution: Double
    }

    /// The token.
    public var token: TokenID
    /// Its bytes.
    public var bytes: [UInt8]
    /// Natural logarithm of its probability for the fusion.
    public var logprob: Double
    /// The fusion's favourite.
    public var favourite: TokenID
    /// The strongest other token of the fusion; where its mask leaves no other, the strongest that would be there without
    /// the mask. `nil` if nothing else is possible, and then no member has a contribution.
    public var alternative: TokenID?
    /// The members' parts, in the order of the fusion.
    public var members: [Member]

    /// The members without whom the fusion would have preferred another token.
    public var decisive: [String] {
        members.filter { $0.favouriteWithout != favourite }.map(\.name)
    }
}

extension FusedModel {
    /// Tells of each token of a text which member made the fusion write it.
    ///
    /// The text is read after the request by every member, as each renders it; nothing is written.
    ///
    /// ```swift
    /// for token in try await fused.attribution(of: answer.text, after: request) where token.decisive.count == 1 {
    ///     print(String(decoding: token.bytes, as: UTF8.self), token.decisive)
    /// }
    /// ```
    ///
    /// Throws what decoding throws, ``CollabError/Code/invalidRequest`` for a text of no tokens, and
    /// ``CollabError/Code/unsupported`` for a rule that is no sum with constant weights.
    public func attribution(
        of text: String,
        after request: Request
    ) async throws(CollabError) -> [TokenAttribution] {
        try await attribution(of: try tokenizer.encode(continuing: text), after: request)
    }

    /// Tells of each of some tokens which member made the fusion write it.
    ///
    /// An answer's own tokens (``Response/tokens``) give the account of how it was written; a text that is cut into tokens
    /// anew may be cut otherwise.
    public func attribution(
        of tokens: [TokenID],
        after request: Request
    ) async throws(CollabError) -> [TokenAttribution] {
        if tokens.isEmpty {
            throw CollabError(.invalidRequest, "There are no tokens to attribute to a member.")
        }
        let plan = try plan()
        try checkAttributable(plan)
        let rows = try await concurrently(members) { (member) async throws(CollabError) in
            try await member.rows(along: tokens, after: request)
        }
        let without = members.indices.map { plan.without($0) }
        let unmasked = plan.unmasked
        let names = members.map(\.name)
        var result: [TokenAttribution] = []
        for (place, token) in tokens.enumerated() {
            // What lies behind the vocabulary's end is padding.
            let here = rows.map { $0[place].cut(to: tokenizer.count) }
            let moment = FusionMoment(written: place)
            let step = try plan.fuse(here, names: names, at: moment)
            var alternative = step.logits.strongest(besides: token)
            if alternative == nil, let unmasked {
                alternative = try unmasked.fuse(here, names: names, at: moment).logits.strongest(
                    besides: token
                )
            }
            let members = members.indices.map { index in
                TokenAttribution.Member(
                    name: names[index],
                    logprob: here[index].logprob(of: token),
                    favourite: step.members[index]?.favourite ?? step.favourite,
                    favouriteWithout: without[index].flatMap { plan in
                        try? plan.fuse(here, names: names, at: moment).favourite
                    },
                    contribution: alternative.flatMap { alternative in
                        step.members[index].map { member in
                            plan.contribution(of: member, for: token, against: alternative)
                        }
                    } ?? 0
                )
            }
            result.append(
                TokenAttribution(
                    token: token,
                    bytes: tokenizer.bytes(of: token),
                    logprob: step.logits.logprob(of: token),
                    favourite: step.favourite,
                    alternative: alternative,
                    members: members
                )
            )
        }
        return result
    }

    /// Throws ``CollabError/Code/unsupported`` for a rule whose members have no parts that could be told apart.
    private func checkAttributable(_ plan: FusionPlan) throws(CollabError) {
        var isSum = plan.dynamics == .constant
        if case .byPromptPerplexity = fusion.weights { isSum = false }
        switch plan.combination {
        case .logLinear, .linear, .extrapolation: break
        case .maximum, .minimum, .classConditional: isSum = false
        }
        if isSum { return }
        throw CollabError(
            .unsupported,
            "The fusion “\(fusion.name)” is no sum with constant weights, so its choices have no shares to be told."
        )
    }
}

extension LogitModel {
    /// The logits at each of some tokens after a request: those that each was chosen from.
    fileprivate func rows(
        along tokens: [TokenID],
        after request: Request
    ) async throws(CollabError) -> [Logits] {
        let start = try await startDecoding(request)
        guard tokens.count > 1 else { return [start.logits] }
        let rest = try await start.decoder.append(Array(tokens.dropLast()), logits: .all)
        return [start.logits] + rest
    }
}

extension Logits {
    /// The most probable token but one, if it is possible.
    fileprivate func strongest(besides token: TokenID) -> TokenID? {
        values.withUnsafeBufferPointer { Distribution.topK(2, of: $0) }
            .first { TokenID($0.index) != token && $0.value > -.infinity }
            .map { TokenID($0.index) }
    }
}

extension FusionPlan {
    /// The plan with a member's weight taken away and everything else as it is; `nil` if no weight is left.
    fileprivate func without(_ member: Int) -> FusionPlan? {
        var weights = weights
        weights[member] = 0
        return with(weights, mask)
    }

    /// The plan without its mask; `nil` if it has none.
    fileprivate var unmasked: FusionPlan? { mask == .none ? nil : with(weights, .none) }

    private func with(_ weights: [Double], _ mask: Fusion.Mask) -> FusionPlan? {
        let rest = Fusion(
            "rest",
            combination,
            weights: .asWritten(weights),
            mask: mask,
            base: reference,
            schedule: schedule,
            gate: gate
        )
        var plan = try? FusionPlan(rest, memberCount: weights.count)
        plan?.vocabularySize = vocabularySize
        return plan
    }

    /// A member's part in the preference of one token over another.
    fileprivate func contribution(
        of member: FusedStep.Member,
        for token: TokenID,
        against other: TokenID
    ) -> Double {
        guard member.weight != 0 else { return 0 }
        let (a, b) = (member.logprob(of: token), member.logprob(of: other))
        if combination == .logLinear { return a == b ? 0 : member.weight * (a - b) }
        return member.weight * (exp(a) - exp(b))
    }
}
