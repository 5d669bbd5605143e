import Collab

/// Questions of unit length in clusters, found by Lloyd's iterations on the sphere (I. Dhillon, D. Modha, 2001).
struct QuestionClusters {
    /// The centres, of unit length.
    private(set) var centres: Table
    /// The place of each question's centre: the one with the highest scalar product.
    private(set) var members: [Int] = []

    /// Begins with questions drawn by chance and moves the centres until nobody changes, 30 times at most.
    ///
    /// - Parameters:
    ///   - vectors: the questions, of unit length.
    ///   - count: how many clusters; at most as many as there are questions are made.
    ///   - seed: where chance begins.
    ///   - progress: is told how much is done, 0…1.
    init(of vectors: Table, count: Int, seed: UInt64, progress: (Double) -> Void = { _ in })
        throws(CollabError)
    {
        var generator = SeededGenerator(seed: seed)
        let order = Array(0..<vectors.rows).shuffled(using: &generator)
        self.init(centres: vectors.selecting(Array(order.prefix(count))))
        try move(among: vectors, progress)
    }

    private init(centres: Table) {
        self.centres = centres
    }

    /// Moves centres that are known.
    init(of vectors: Table, from centres: Table) throws(CollabError) {
        self.init(centres: centres)
        try move(among: vectors) { _ in }
    }

    private mutating func move(among vectors: Table, _ progress: (Double) -> Void) throws(CollabError) {
        let count = centres.rows
        for round in 0..<30 {
            try checkCancellation()
            let nearest = try nearestCentres(of: vectors, centres)
            if nearest == members { break }
            members = nearest
            var sums = Table(rows: count, columns: vectors.columns)
            for (row, cluster) in members.enumerated() {
                for column in 0..<vectors.columns { sums[cluster, column] += vectors[row, column] }
            }
            let sizes = members.reduce(into: [Int](repeating: 0, count: count)) { $0[$1] += 1 }
            for cluster in 0..<count where sizes[cluster] == 0 {
                for column in 0..<vectors.columns { sums[cluster, column] = centres[cluster, column] }
            }
            centres = unitRows(sums)
            progress(Double(round + 1) / 30)
        }
    }
}

/// The place of the most similar centre of each row; of equal ones the first.
func nearestCentres(of table: Table, _ centres: Table) throws(CollabError) -> [Int] {
    var result = [Int](repeating: 0, count: table.rows)
    try forEachSimilarities(of: table, to: centres) { row, similarities in
        result[row] = highestPlaces(1, in: similarities)[0]
    }
    return result
}
