import Collab

/// How several adapters of one model become one.
public enum AdapterComposition: Hashable, Sendable {
    /// Σ wᵢ sᵢ Bᵢ Aᵢ, cut to a rank: the default.
    ///
    /// The factors are laid side by side, both sides are orthonormalised, and the small matrix between them is decomposed:
    /// the result is the best approximation of its rank, and the sum itself where the rank allows it. `rank` is the largest
    /// rank of the result, that of the sum if `nil`; terms are kept until they hold `energy` of Σ σ².
    case exact(rank: Int? = nil, energy: Double = 1)
    /// The factors side by side, nothing left out: PEFT's `cat`.
    case concatenated
    /// A rule on A and on B apart, with weights ±√|wᵢ sᵢ|: what PEFT's `linear`, `ties`, `dare_linear`, `dare_ties` and
    /// `magnitude_prune` do.
    ///
    /// It brings in products Bᵢ Aⱼ of different adapters, which nobody has trained, and needs equal ranks. It is here for
    /// those who have to reproduce what PEFT made.
    case factorwise(FactorRule)
    /// A rule on the changes sᵢ Bᵢ Aᵢ themselves, cut to a rank: PEFT's `svd`, `ties_svd` and the like.
    ///
    /// `rank` is the largest of the adapters' if `nil`.
    case matrixwise(FactorRule, rank: Int? = nil)
}

/// A rule by which matrices of equal shape become one, as PEFT has them.
public enum FactorRule: Hashable, Sendable {
    /// Whose sign wins where adapters disagree.
    public enum SignMethod: Hashable, Sendable {
        /// The sign of the sum.
        case total
        /// The sign that more adapters have.
        case frequency
    }

    /// Σ wᵢ Mᵢ.
    case linear
    /// Of every matrix the share `density` of largest magnitudes; then Σ wᵢ Mᵢ.
    case magnitudePrune(density: Double)
    /// The same trimming; then at each place the mean of wᵢ Mᵢ over those that have the winning sign. The weights have no
    /// part in the vote, and a tie is won by plus.
    case ties(density: Double, sign: SignMethod = .total)
    /// Every element is kept with probability `density` and then divided by it; then Σ wᵢ Mᵢ.
    case dareLinear(density: Double, seed: UInt64 = 0)
    /// The same dropping; then as ``ties(density:sign:)`` without trimming.
    case dareTIES(density: Double, sign: SignMethod = .total, seed: UInt64 = 0)
}

extension FactorRule {
    /// The share that is kept, if any is dropped.
    var density: Double? {
        switch self {
        case .linear: nil
        case .magnitudePrune(let density), .ties(let density, _), .dareLinear(let density, _),
            .dareTIES(let density, _, _):
            density
        }
    }

    /// Makes one matrix of several.
    ///
    /// - Parameter salt: tells matrices apart, so that chance is not the same in all of them.
    func combine(_ matrices: [[Float]], weights: [Double], salt: UInt64) -> [Float] {
        switch self {
        case .linear: Self.sum(matrices, weights)
        case .magnitudePrune(let density):
            Self.sum(matrices.map { Self.largest($0, density) }, weights)
        case .ties(let density, let sign):
            Self.agreeing(matrices.map { Self.largest($0, density) }, weights, sign)
        case .dareLinear(let density, let seed):
            Self.sum(Self.dropped(matrices, density, seed &+ salt), weights)
        case .dareTIES(let density, let sign, let seed):
            Self.agreeing(Self.dropped(matrices, density, seed &+ salt), weights, sign)
        }
    }

    private static func sum(_ matrices: [[Float]], _ weights: [Double]) -> [Float] {
        var result = [Double](repeating: 0, count: matrices.first?.count ?? 0)
        for (matrix, weight) in zip(matrices, weights) {
            for (place, value) in matrix.enumerated() { result[place] += weight * Double(value) }
        }
        return result.map { Float($0) }
    }

    /// The ⌊density n⌋ elements of largest magnitude; of equal ones the first.
    private static func largest(_ matrix: [Float], _ density: Double) -> [Float] {
        let count = Int(density * Double(matrix.count))
        if count >= matrix.count { return matrix }
        let order = matrix.indices.sorted { (-abs(matrix[$0]), $0) < (-abs(matrix[$1]), $1) }
        var result = [Float](repeating: 0, count: matrix.count)
        for place in order.prefix(count) { result[place] = matrix[place] }
        return result
    }

    private static func dropped(_ matrices: [[Float]], _ density: Double, _ seed: UInt64) -> [[Float]] {
        var generator = SeededGenerator(seed: seed)
        return matrices.map { matrix in
            matrix.map { generator.nextUnit() < density ? Float(Double($0) / density) : 0 }
        }
    }

    private static func agreeing(_ matrices: [[Float]], _ weights: [Double], _ sign: SignMethod) -> [Float] {
        (0..<(matrices.first?.count ?? 0)).map { place in
            let values = matrices.map { Double($0[place]) }
            let vote = values.reduce(0) { $0 + (sign == .total ? $1 : $1 > 0 ? 1 : $1 < 0 ? -1 : 0) }
            let wins: (Double) -> Bool = { vote >= 0 ? $0 > 0 : $0 < 0 }
            var (total, count) = (0.0, 0)
            for (value, weight) in zip(values, weights) where wins(value) {
                total += weight * value
                count += 1
            }
            return Float(total / Double(max(1, count)))
        }
    }
}
