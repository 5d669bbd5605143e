extension FusedStep {
    /// What a member adds to a token.
    ///
    /// - In a sum of log-probabilities it is w (ℓ(v) − E ℓ), by how much its term is above its mean under the fused
    ///   distribution r.
    /// - In class-conditional steering the base's is that with w = 1, and the classes share what the fused distribution
    ///   has beyond it. In both cases all members' together are log r(v) + H(r).
    /// - In a mixture it is the member's share w p(v) / Σ w p(v), which is negative for a negative weight; where the
    ///   sum is not positive, nobody has one.
    /// - In a union or an intersection it is 1 for the member whose log-probability the token has, shared by equal ones.
    ///
    /// Where the base writes alone it has said everything.
    func contribution(of index: Int, to token: TokenID, _ plan: FusionPlan) -> Double {
        guard let member = members[index] else { return 0 }
        switch plan.combination {
        case .logLinear: return member.weight * excess(of: member, at: token)
        case .classConditional: return classContribution(of: index, member, to: token, plan)
        case .linear, .extrapolation:
            let all = members.reduce(0) { sum, other in
                sum + (other.map { $0.weight * exp($0.logprob(of: token)) } ?? 0)
            }
            return all > 0 ? member.weight * exp(member.logprob(of: token)) / all : 0
        case .maximum, .minimum:
            if strength == 0 { return index == plan.reference ? 1 : 0 }
            let values = members.compactMap { $0?.logprob(of: token) }
            let decisive = (plan.combination == .maximum ? values.max() : values.min()) ?? 0
            guard member.logprob(of: token) == decisive else { return 0 }
            return 1 / Double(values.count { $0 == decisive })
        }
    }

    /// By how much a member's log-probability of a token is above its mean under the fused distribution.
    private func excess(of member: Member, at token: TokenID) -> Double {
        guard member.weight != 0 else { return 0 }
        let amount = member.logprob(of: token) - member.expectation
        return amount.isFinite ? amount : 0
    }

    private func classContribution(
        of index: Int,
        _ member: Member,
        to token: TokenID,
        _ plan: FusionPlan
    ) -> Double {
        guard let base = members[plan.reference] else { return 0 }
        let own = excess(of: base, at: token)
        if index == plan.reference { return own }
        let classes = members.count { ($0?.weight ?? 0) != 0 } - 1
        guard member.weight != 0, classes > 0 else { return 0 }
        return (logits.logprob(of: token) + entropy - own) / Double(classes)
    }
}

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif
