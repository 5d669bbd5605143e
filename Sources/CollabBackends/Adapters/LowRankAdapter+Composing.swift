public import Collab

extension LowRankAdapter {
    /// Makes one adapter of several.
    ///
    /// A module that some of the adapters lack is changed by the others alone. The result has the scale 1, so that its rank
    /// is its alpha in PEFT's format.
    ///
    /// - Parameters:
    ///   - name: what to call it.
    ///   - adapters: the adapters and their weights; a negative weight takes away what an adapter has learnt.
    ///   - composition: how they become one.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for no adapters, a weight that is not finite, a rank below 1 or a
    /// share outside 0…1; `tensorMismatch` for shapes, namings or, factor by factor, ranks that differ; and `unsupported` for
    /// adapters that set the lengths of rows (DoRA) or bring whole matrices along, which are no sums.
    public init(
        _ name: String,
        composing adapters: [(adapter: LowRankAdapter, weight: Double)],
        by composition: AdapterComposition = .exact()
    ) throws(CollabError) {
        try Self.check(adapters, composition)
        var paths: [String] = []
        var members: [String: [(module: Module, weight: Double)]] = [:]
        for (adapter, weight) in adapters {
            for module in adapter.modules {
                if members[module.path] == nil { paths.append(module.path) }
                if let first = members[module.path]?.first?.module, first.shape != module.shape {
                    throw CollabError(
                        .tensorMismatch,
                        "“\(module.path)” has the shape \(module.shape) in \(adapter.name) and \(first.shape) in another "
                            + "adapter."
                    )
                }
                members[module.path, default: []].append((module, weight))
            }
        }
        var modules: [Module] = []
        for (place, path) in paths.enumerated() {
            if Task.isCancelled { throw .cancelled }
            let parts = members[path] ?? []
            let module = try Self.composed(path, parts, composition, adapterCount: adapters.count, place)
            if let module { modules.append(module) }
        }
        try self.init(name, modules: modules, naming: adapters[0].adapter.naming)
    }

    private static func composed(
        _ path: String,
        _ parts: [(module: Module, weight: Double)],
        _ composition: AdapterComposition,
        adapterCount: Int,
        _ place: Int
    ) throws(CollabError) -> Module? {
        let shape = parts[0].module.shape
        let largest = parts.reduce(0) { max($0, $1.module.rank) }
        var sum = RankOneSum(left: [], right: [])
        for (module, weight) in parts where weight != 0 { sum = sum + RankOneSum(module, times: weight) }
        switch composition {
        case .exact(let rank, let energy):
            return try sum.truncated(to: rank ?? sum.left.count, energy: energy).module(path)
        case .concatenated:
            return try sum.module(path)
        case .matrixwise(.linear, let rank):
            return try sum.truncated(to: rank ?? largest).module(path)
        case .matrixwise(let rule, let rank):
            let changes = parts.map { RankOneSum($0.module).matrix(columns: shape[1]) }
            let change = rule.combine(changes, weights: parts.map(\.weight), salt: UInt64(place))
            return try RankOneSum(
                of: change,
                rows: shape[0],
                columns: shape[1],
                rank: rank ?? largest,
                seed: UInt64(place)
            )
            .module(path)
        case .factorwise(let rule):
            guard parts.allSatisfy({ $0.module.rank == largest }) else {
                throw CollabError(
                    .tensorMismatch,
                    "The adapters have “\(path)” in ranks \(parts.map(\.module.rank)); factors are combined apart only "
                        + "where the ranks are equal. AdapterComposition.exact() has no such limit."
                )
            }
            let weights = parts.map { $0.weight * Double($0.module.scale) }
            return try Module(
                path: path,
                rank: largest,
                scale: 1,
                a: rule.combine(
                    parts.map(\.module.a),
                    weights: weights.map { ($0 < 0 ? -1 : 1) * abs($0).squareRoot() },
                    salt: UInt64(2 * place)
                ),
                b: rule.combine(
                    parts.map(\.module.b),
                    weights: weights.map { abs($0).squareRoot() },
                    salt: UInt64(2 * place + 1)
                )
            )
        }
    }

    private static func check(
        _ adapters: [(adapter: LowRankAdapter, weight: Double)],
        _ composition: AdapterComposition
    ) throws(CollabError) {
        func refuse(_ what: String) -> CollabError { CollabError(.invalidRequest, what) }
        guard let first = adapters.first else { throw refuse("There are no adapters to compose.") }
        for (adapter, weight) in adapters {
            guard weight.isFinite else { throw refuse("The weight of \(adapter.name) is \(weight).") }
            guard adapter.naming == first.adapter.naming else {
                throw CollabError(
                    .tensorMismatch,
                    "\(adapter.name) names its modules in another way than \(first.adapter.name)."
                )
            }
            guard adapter.replacements.isEmpty, adapter.modules.allSatisfy({ $0.magnitudes == nil }) else {
                throw CollabError(
                    .unsupported,
                    "\(adapter.name) sets lengths of rows or brings whole matrices, which cannot be added to others; "
                        + "merge it in with applied(to:)."
                )
            }
        }
        var (rank, share): (Int?, Double) = (nil, 1)
        switch composition {
        case .exact(let most, let energy): (rank, share) = (most, energy)
        case .matrixwise(let rule, let most): (rank, share) = (most, rule.density ?? 1)
        case .factorwise(let rule): share = rule.density ?? 1
        case .concatenated: break
        }
        if let rank, rank < 1 { throw refuse("A composed adapter has a rank of 1 or more, not \(rank).") }
        guard share > 0, share <= 1 else {
            throw refuse("A share to keep is above 0 and at most 1, not \(share).")
        }
    }
}

extension RankOneSum {
    /// The elements of the whole matrix or of some of its rows, row by row.
    func matrix(rows range: Range<Int>? = nil, columns: Int) -> [Float] {
        let range = range ?? 0..<(left.first?.count ?? 0)
        var values = [Double](repeating: 0, count: range.count * columns)
        for (l, r) in zip(left, right) {
            for (place, row) in range.enumerated() where l[row] != 0 {
                for column in 0..<columns { values[place * columns + column] += l[row] * r[column] }
            }
        }
        return values.map { Float($0) }
    }
}
