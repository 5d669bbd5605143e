/// RAM: task vectors are averaged where several members have changed an element, and kept whole where only one has.
///
/// X. Yuan et al., *Behavior Knowledge Merge in Reinforced Agentic Models*, 2026. A member has changed an element if
/// |d| > ε. RAM+ multiplies what only member i has changed by λᵢ = 1 + r · min(sᵢ / uᵢ, α), where sᵢ of the elements that
/// it has changed in the tensor are shared and uᵢ are its own. There are no weights.
public struct RAMMerge: MergeMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The ε up to which a difference is no change.
    public var epsilon: Double
    /// The r by which RAM+ amplifies what is a member's own; 0 in RAM.
    public var gain: Double
    /// The α that bounds the ratio of shared and own changes.
    public var limit: Double

    /// Makes the method.
    public init(base: (any Checkpoint)? = nil, epsilon: Double = 1e-5, gain: Double = 0, limit: Double = 0.2)
    {
        self.base = base
        self.epsilon = epsilon
        self.gain = gain
        self.limit = limit
    }

    /// The method's name.
    public var name: String { gain == 0 ? "RAM" : "RAM+" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for an ε, r or α that is negative or not finite.
    public func validate(memberCount: Int) throws(CollabError) {
        guard [epsilon, gain, limit].allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            throw CollabError(
                .invalidRequest,
                "ε, r and α of RAM must be finite and at least 0, not \(epsilon), \(gain) and \(limit)."
            )
        }
    }

    /// Counts what is shared, for RAM+.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        var scales = [Double](repeating: 1, count: inputs.members.count)
        if gain != 0 {
            var (own, shared) = (scales.map { _ in 0 }, scales.map { _ in 0 })
            try inputs.forEachVectorSlice { deltas, elements in
                for place in 0..<elements.count {
                    let changed = deltas.reduce(0) { $0 + (isChange($1[place]) ? 1 : 0) }
                    for (member, delta) in deltas.enumerated() where isChange(delta[place]) {
                        if changed == 1 { own[member] += 1 } else { shared[member] += 1 }
                    }
                }
            }
            for member in scales.indices where own[member] > 0 {
                scales[member] = 1 + gain * min(Double(shared[member]) / Double(own[member]), limit)
            }
        }
        return OwnAndShared(method: self, scales: scales)
    }

    fileprivate func isChange(_ delta: Float) -> Bool { Double(abs(delta)) > epsilon }

    /// Where nothing differs, the task vectors are 0.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

private struct OwnAndShared: TensorMerge {
    var method: RAMMerge
    var scales: [Double]

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) {
        guard let base = slice.base else { return }
        for place in output.indices {
            var (sum, count, last) = (0.0, 0, 0)
            for (index, member) in slice.members.enumerated() {
                let delta = member[place] - base[place]
                guard method.isChange(delta) else { continue }
                sum += Double(delta)
                count += 1
                last = index
            }
            let change = count == 1 ? sum * scales[last] : sum / Double(max(1, count))
            output[place] = Float(Double(base[place]) + change)
        }
    }
}

extension MergeMethod where Self == RAMMerge {
    /// Averages shared changes and keeps a member's own; see ``RAMMerge``.
    public static func ram(base: (any Checkpoint)? = nil, epsilon: Double = 1e-5) -> RAMMerge {
        RAMMerge(base: base, epsilon: epsilon)
    }

    /// Averages shared changes and amplifies a member's own; see ``RAMMerge``.
    public static func ramPlus(
        base: (any Checkpoint)? = nil,
        epsilon: Double = 1e-5,
        gain: Double = 0.1,
        limit: Double = 0.2
    ) -> RAMMerge {
        RAMMerge(base: base, epsilon: epsilon, gain: gain, limit: limit)
    }
}
