internal import CollabKernels

/// Directions on the shorter side of a matrix, whose counterparts on the longer side are what task vectors make of them.
///
/// A direction vₖ of a task vector A has the counterpart uₖ = A vₖ ∕ σₖ, which is as long as the longer side; it is never
/// stored, but computed again from the task vector, strip by strip.
struct TaskDirections {
    /// Some of the directions.
    private struct Part {
        /// Of the sum of whose task vectors.
        var members: [Int]
        var places: Range<Int>
        /// H, for directions of what is left of the task vector A beside those of the first part, A₀ V₀ᵀ: the counterparts
        /// are (A Vᵀ − A₀ V₀ᵀ H) ∕ σ.
        var shared: DoubleMatrix?
    }

    /// Directions whose σ is below this part of the largest are rounding errors of float32 weights and are left out.
    static let tolerance = 1e-6

    private let tasks: TaskMatrices
    private var parts: [Part] = []
    /// The vₖ as rows.
    private var vectors: DoubleMatrix
    /// The σₖ.
    private(set) var lengths: [Double] = []

    /// No directions yet, with room for as many.
    init(_ tasks: TaskMatrices, capacity: Int) {
        self.tasks = tasks
        vectors = DoubleMatrix(rows: 0, columns: tasks.width)
        vectors.values.reserveCapacity(capacity * tasks.width)
    }

    /// Adds the largest directions of the sum of some task vectors.
    mutating func add(of members: [Int], count: Int) throws(CollabError) {
        var gram = try tasks.gram(of: members)
        try add(members, using: &gram, count)
    }

    /// Adds the largest directions of what is left of a task vector beside what the directions in the first part write
    /// into: d − U₀ U₀ᵀ d.
    mutating func add(beside member: Int, count: Int) throws(CollabError) {
        guard let first = parts.first, !first.places.isEmpty else {
            return try add(of: [member], count: count)
        }
        var gram = DoubleMatrix(rows: tasks.width, columns: tasks.width)
        if tasks.isWide {
            // U₀ is on the shorter side. Nothing is shared: the directions stand at right angles to it.
            let common = vectors.factor(rows: first.places)
            for places in tasks.strips {
                var rest = try tasks.strip(places, of: [member])
                var cosines = DoubleMatrix(rows: places.count, columns: common.rows)
                try cosines.put(rest.factor, times: common.transposed)
                try rest.subtract(cosines.factor, times: common)
                try gram.addSquare(of: rest.factor.transposed)
            }
            return try add([member], using: &gram, count, beside: lengths[first.places.lowerBound])
        }
        // U₀ᵀ d ∕ σ₀, the counterparts U₀ being A₀ V₀ᵀ ∕ σ₀.
        var cosines = DoubleMatrix(rows: first.places.count, columns: tasks.width)
        for places in tasks.strips {
            let common = try counterparts(of: first, at: places)
            try cosines.put(
                common.factor.transposed,
                times: tasks.strip(places, of: [member]).factor,
                adding: true
            )
        }
        cosines.scale(rows: lengths[first.places].map { 1 / ($0 * $0) })
        for places in tasks.strips {
            let common = try counterparts(of: first, at: places)
            var rest = try tasks.strip(places, of: [member])
            try rest.subtract(common.factor, times: cosines.factor)
            try gram.addSquare(of: rest.factor.transposed)
        }
        try add([member], using: &gram, count, beside: lengths[first.places.lowerBound])
        let last = parts.count - 1
        var shared = DoubleMatrix(rows: cosines.rows, columns: parts[last].places.count)
        try shared.put(cosines.factor, times: vectors.factor(rows: parts[last].places).transposed)
        parts[last].shared = shared
    }

    /// The most memory that a matrix takes whose directions are turned: they, the one root, and what the other is found in.
    static func byteCount(rows: Int, columns: Int) -> Int {
        let width = min(rows, columns)
        // The roots' matrices are as large as there are directions, no more than the shorter side has places.
        let preparing = 2 * 8 * width * width + EigenvectorSpace.mostBytes(upTo: width)
        return TaskMatrices.byteCount(rows: rows, columns: columns, preparing: preparing, computing: 2)
    }

    /// How many of the squared σ are no rounding errors.
    ///
    /// - Parameter common: the largest σ of the directions beside which these were looked for; of a task vector nothing but
    ///   errors may be left beside those.
    static func keptCount(of squares: [Double], beside common: Double? = nil) -> Int {
        let largest = max(squares.first ?? 0, (common ?? 0) * (common ?? 0))
        return squares.prefix { $0 > tolerance * tolerance * largest }.count
    }

    private mutating func add(
        _ members: [Int],
        using gram: inout DoubleMatrix,
        _ count: Int,
        beside common: Double? = nil
    ) throws(CollabError) {
        let (squares, found) = try gram.takeLargestEigenvectors(min(max(0, count), gram.rows))
        let kept = Self.keptCount(of: squares, beside: common)
        let start = vectors.rows
        vectors.append(found, rows: kept)
        lengths += squares.prefix(kept).map { $0.squareRoot() }
        parts.append(Part(members: members, places: start..<start + kept))
    }

    /// A Vᵀ of a part, without what is shared: a row for each place on the longer side.
    private func counterparts(of part: Part, at places: Range<Int>) throws(CollabError) -> DoubleMatrix {
        var result = DoubleMatrix(rows: places.count, columns: part.places.count)
        let directions = vectors.factor(rows: part.places)
        try result.put(tasks.strip(places, of: part.members).factor, times: directions.transposed)
        return result
    }

    /// Σ wₖ ûₖ v̂ₖᵀ, û and v̂ being the directions and their counterparts turned as little as possible so that they stand at
    /// right angles to one another.
    ///
    /// With W = (V Vᵀ)^(−1/2), the solution of the Procrustes problem, and the counterparts' likewise.
    func orthogonalised(weights: [Double]) throws(CollabError) -> TurnedTasks {
        var products = try longProducts()
        let longRoot = try products.takeInverseRoot()
        products = try shortProducts()
        let shortRoot = try products.takeInverseRoot()
        var factors = DoubleMatrix(rows: vectors.rows, columns: tasks.width)
        try factors.put(shortRoot.factor, times: vectors.factor)
        factors.scale(rows: weights)
        return try turned(factors, by: longRoot)
    }

    /// The inner products of the directions: the upper triangle.
    func shortProducts() throws(CollabError) -> DoubleMatrix {
        var products = DoubleMatrix(rows: vectors.rows, columns: vectors.rows)
        try products.addSquare(of: vectors.factor)
        return products
    }

    /// The inner products of the counterparts: the upper triangle.
    func longProducts() throws(CollabError) -> DoubleMatrix {
        var products = DoubleMatrix(rows: vectors.rows, columns: vectors.rows)
        for places in tasks.strips {
            try products.addSquare(of: allCounterparts(at: places).factor.transposed)
        }
        products.scale(rows: lengths.map { 1 / $0 })
        products.scale(columns: lengths.map { 1 / $0 })
        return products
    }

    /// Which directions are of each call of ``add(of:count:)`` or ``add(beside:count:)``.
    var places: [Range<Int>] { parts.map(\.places) }

    private func turned(
        _ factors: DoubleMatrix,
        by root: DoubleMatrix
    ) throws(CollabError) -> TurnedTasks {
        var result = DoubleMatrix(rows: factors.rows, columns: factors.columns)
        try result.put(root.factor, times: factors.factor)
        result.scale(rows: lengths.map { 1 / $0 })
        // What the first part shares with the others is taken from it once for all rows.
        for part in parts {
            guard let shared = part.shared, let first = parts.first else { continue }
            let own = DoubleMatrix(copying: result, rows: part.places)
            try result.put(
                shared.factor,
                times: own.factor,
                factor: -1,
                adding: true,
                row: first.places.lowerBound
            )
        }
        return TurnedTasks(
            tasks: tasks,
            parts: parts.map { ($0.members, $0.places) },
            directions: vectors,
            factors: result
        )
    }

    /// The counterparts times σ, a row for each place on the longer side.
    private func allCounterparts(at places: Range<Int>) throws(CollabError) -> DoubleMatrix {
        var result = DoubleMatrix(rows: places.count, columns: vectors.rows)
        var common: DoubleMatrix?
        for part in parts {
            let own = try counterparts(of: part, at: places)
            result.put(own, column: part.places.lowerBound)
            if let shared = part.shared, let common {
                try result.put(
                    common.factor,
                    times: shared.factor,
                    factor: -1,
                    adding: true,
                    column: part.places.lowerBound
                )
            }
            if common == nil { common = own }
        }
        return result
    }
}

/// Task vectors, each times some directions of the shorter side and then times as many others.
struct TurnedTasks: BlockwiseMatrix {
    let tasks: TaskMatrices
    /// Of the sum of which task vectors the directions at which places are.
    let parts: [(members: [Int], places: Range<Int>)]
    /// The directions that task vectors are multiplied by, as rows.
    let directions: DoubleMatrix
    /// What the products are multiplied by, a row for each direction.
    let factors: DoubleMatrix

    var rowsAtOnce: Int { tasks.blockLength }
    var byteCount: Int { 8 * (directions.values.count + factors.values.count) }

    func rows(_ range: Range<Int>) throws(CollabError) -> DoubleMatrix {
        var result = DoubleMatrix(rows: range.count, columns: tasks.columns)
        for (members, places) in parts {
            let (from, to) = (directions.factor(rows: places), factors)
            if tasks.isWide {
                // The rows are those of the shorter side: one product of it with the task vector.
                var left = DoubleMatrix(rows: range.count, columns: tasks.width)
                try left.put(to.factor(rows: places, columns: range).transposed, times: from)
                for strip in tasks.strips {
                    try result.put(
                        left.factor,
                        times: tasks.strip(strip, of: members).factor.transposed,
                        adding: true,
                        column: strip.lowerBound
                    )
                }
            } else {
                var product = DoubleMatrix(rows: range.count, columns: places.count)
                try product.put(tasks.strip(range, of: members).factor, times: from.transposed)
                try result.put(product.factor, times: to.factor(rows: places), adding: true)
            }
        }
        return result
    }
}
