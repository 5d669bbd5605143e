#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How much of an adapter's change of a matrix a token gets, where every token chooses among several.
struct AdapterChoice: Sendable {
    /// A matrix that adapters change.
    struct Matrix: Hashable, Sendable {
        var layer: Int
        /// The first of the engine's matrices that are one in the adapters.
        var tensor: LayerTensor
    }

    /// The matrix that the choice is made for.
    var matrix: Matrix
    /// Which of the adapters that change the matrix this one is.
    var member: Int
    /// How many are chosen.
    var count: Int
    /// What is made of an input's product with a gate.
    var score: AdapterGates.Score
    /// What a score is multiplied by.
    var factor: Float
    /// Where the products with the gates are, one an adapter.
    var scores: [Int] = []
    /// Where the input's standard deviation is.
    var spread = 0

    /// The adapter's share: 0 unless its score is among the highest, else its part of the softmax over those.
    ///
    /// Of equal scores the first adapters' count as higher.
    func share(of components: UnsafePointer<Float>) -> Float {
        let own = value(member, components)
        var (sum, above) = (0.0, 0)
        for other in scores.indices {
            let score = value(other, components)
            if isHigher(score, other, than: own, member) { above += 1 }
            if above >= count { return 0 }
            var rank = 0
            for third in scores.indices
            where isHigher(value(third, components), third, than: score, other) { rank += 1 }
            if rank < count { sum += exp(Double(score) - Double(own)) }
        }
        return Float(1 / sum)
    }

    private func value(_ place: Int, _ components: UnsafePointer<Float>) -> Float {
        let product = components[scores[place]]
        switch score {
        case .magnitude: return factor * abs(product)
        case .correlation:
            // An input of equal numbers correlates with nothing.
            let spread = components[spread]
            return spread > 0 ? factor * product / spread : 0
        }
    }

    private func isHigher(_ score: Float, _ place: Int, than other: Float, _ otherPlace: Int) -> Bool {
        score > other || score == other && place < otherPlace
    }
}

extension AdapterSet.Changes {
    /// Tells every update where all scores of its matrix are, and adds the standard deviation where it is needed.
    mutating func finishChoices(_ scores: [AdapterChoice.Matrix: [Int]]) {
        if updates.contains(where: { $0.choice?.score == .correlation }) {
            spread = components
            components += 1
        }
        for index in updates.indices {
            guard let choice = updates[index].choice else { continue }
            updates[index].choice?.scores = scores[choice.matrix] ?? []
            updates[index].choice?.spread = spread ?? 0
        }
    }
}
