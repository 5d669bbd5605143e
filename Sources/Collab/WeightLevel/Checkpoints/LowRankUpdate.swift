internal import CollabKernels

/// A low-rank change of one matrix: W + s · B A (E. Hu et al., *LoRA: Low-Rank Adaptation of Large Language Models*,
/// 2022; a rank of 1 is an edit in the manner of K. Meng et al., *Locating and Editing Factual Associations in GPT*,
/// 2022).
public struct LowRankUpdate: Sendable {
    /// The matrix that is changed, of shape `[rows, columns]`.
    public var tensor: String
    /// The factor s.
    public var scale: Float
    /// How many rows A and how many columns B has.
    public let rank: Int
    /// A, of shape `[rank, columns]`, in row-major order.
    public let a: [Float]
    /// B, of shape `[rows, rank]`, in row-major order.
    public let b: [Float]

    /// Makes a change.
    ///
    /// Throws ``CollabError/Code/tensorMismatch`` unless the factors are matrices of the rank, and
    /// ``CollabError/Code/notFinite`` for numbers that are not finite.
    public init(tensor: String, scale: Float = 1, rank: Int = 1, a: [Float], b: [Float]) throws(CollabError) {
        guard rank >= 1, !a.isEmpty, !b.isEmpty, a.count % rank == 0, b.count % rank == 0 else {
            throw CollabError(
                .tensorMismatch,
                "Factors of \(a.count) and \(b.count) elements are no matrices of rank \(rank) for “\(tensor)”."
            )
        }
        guard scale.isFinite, a.allSatisfy(\.isFinite), b.allSatisfy(\.isFinite) else {
            throw CollabError(.notFinite, "The change of “\(tensor)” has a number that is not finite.")
        }
        self.tensor = tensor
        self.scale = scale
        self.rank = rank
        self.a = a
        self.b = b
    }

    /// The matrix that it fits.
    public var shape: [Int] { [b.count / rank, a.count / rank] }
}

extension Checkpoint {
    /// The checkpoint with low-rank changes, computed while it is read; all other tensors keep their stored form.
    ///
    /// Throws ``CollabError/Code/tensorMismatch`` if there is no such tensor or its shape is another.
    public func adding(_ updates: LowRankUpdate..., name: String? = nil) throws(CollabError)
        -> AdaptedCheckpoint
    {
        try AdaptedCheckpoint(name, base: self, updates: updates)
    }
}

extension LowRankUpdate {
    /// Adds the part of s · B A that a range of elements sees.
    func add(to buffer: UnsafeMutableBufferPointer<Float>, _ elements: Range<Int>) {
        let columns = a.count / rank
        a.withUnsafeBufferPointer { a in
            var start = elements.lowerBound
            while start < elements.upperBound {
                let row = start / columns
                let end = min((row + 1) * columns, elements.upperBound)
                let (first, last) = (start - row * columns, end - row * columns)
                guard let factors = a.baseAddress, let target = buffer.baseAddress else { return }
                for k in 0..<rank {
                    let factor = scale * b[row * rank + k]
                    if factor == 0 { continue }
                    VectorKernels.add(
                        factor,
                        times: factors + k * columns + first,
                        count: last - first,
                        to: target + (start - elements.lowerBound)
                    )
                }
                start = end
            }
        }
    }
}
