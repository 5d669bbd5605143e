import Collab

extension AdapterSet {
    /// Finds the matrices of a model that adapters change, and brings their factors into the form and order of rows
    /// that the model is kept in.
    ///
    /// An adapter of weight 0 changes nothing and is left out; `nil` if nothing remains.
    ///
    /// - Parameters:
    ///   - gates: by what adapters are chosen for each token; `nil`: all count for every token.
    ///   - choiceCount: how many are chosen.
    ///
    /// Throws ``Collab/CollabError`` with `tensorMismatch` for a module that the model lacks or has in another shape, and
    /// for gates that do not fit, `unsupported` for what can only be merged in, and `notFinite`.
    static func placing(
        _ adapters: [(adapter: LowRankAdapter, weight: Float)],
        in configuration: TransformerConfiguration,
        of model: any Checkpoint,
        gates: AdapterGates? = nil,
        choosing choiceCount: Int = 1
    ) throws(CollabError) -> AdapterSet? {
        var changes = [Changes?](repeating: nil, count: configuration.layers.count * Input.allCases.count)
        // By the first matrix of a module: where its adapters' scores are.
        var scores: [AdapterChoice.Matrix: [Int]] = [:]
        for (place, (adapter, weight)) in adapters.enumerated() {
            let placement = AdapterPlacement(adapter, configuration, model: model.name)
            try placement.checkKind()
            for module in adapter.modules {
                let places = try placement.places(of: module)
                // Checked, but without effect.
                guard weight != 0, module.scale != 0 else { continue }
                guard let first = places.first, let input = first.tensor.adapterInput else { continue }
                let index = first.layer * Input.allCases.count + input.rawValue
                var change = changes[index] ?? Changes()
                let components = change.components..<change.components + module.rank
                change.components = components.upperBound
                change.rows += module.a
                var choice: AdapterChoice?
                if let gates {
                    // The gate's row stands behind those of A.
                    let matrix = AdapterChoice.Matrix(layer: first.layer, tensor: first.tensor)
                    change.rows += try gates.row(of: module, adapter: place, named: adapter.name)
                    choice = AdapterChoice(
                        matrix: matrix,
                        member: scores[matrix]?.count ?? 0,
                        count: choiceCount,
                        score: gates.score,
                        factor: gates.factor(width: module.shape[1])
                    )
                    scores[matrix, default: []].append(change.components)
                    change.components += 1
                }
                for place in places {
                    var columns = placement.columns(of: module, factor: module.scale * weight, at: place)
                    var gains: [Float]?
                    if let factors = try placement.lengthFactors(of: module, at: place, in: model) {
                        for index in columns.indices { columns[index] *= factors[index % factors.count] }
                        gains = factors.map { weight * ($0 - 1) }
                    }
                    guard columns.allSatisfy(\.isFinite) else {
                        throw CollabError(
                            .notFinite,
                            "The change of “\(module.path)” in \(adapter.name), times \(weight), is not finite."
                        )
                    }
                    change.updates.append(
                        Update(
                            tensor: place.tensor,
                            components: components,
                            rows: place.rows.count,
                            columns: columns,
                            gains: gains,
                            choice: choice
                        )
                    )
                }
                changes[index] = change
            }
        }
        for index in changes.indices where gates != nil && changes[index] != nil {
            changes[index]?.finishChoices(scores)
        }
        return changes.contains { $0 != nil } ? AdapterSet(changes) : nil
    }

    /// Where the modules of an adapter read, by their paths.
    ///
    /// Throws ``Collab/CollabError`` with `tensorMismatch` for a module that the model lacks or has in another shape.
    static func sites(
        of adapter: LowRankAdapter,
        in configuration: TransformerConfiguration,
        of model: String
    ) throws(CollabError) -> [String: (layer: Int, input: Input)] {
        let placement = AdapterPlacement(adapter, configuration, model: model)
        var sites: [String: (layer: Int, input: Input)] = [:]
        for module in adapter.modules {
            guard let first = try placement.places(of: module).first, let input = first.tensor.adapterInput
            else { continue }
            sites[module.path] = (first.layer, input)
        }
        return sites
    }
}

/// Where the modules of an adapter are in a model.
private struct AdapterPlacement {
    /// A matrix of the engine, and which of the module's rows are its.
    struct Place {
        var layer: Int
        var tensor: LayerTensor
        var rows: Range<Int>
    }

    private let adapter: LowRankAdapter
    private let configuration: TransformerConfiguration
    private let model: String
    /// By the names in the adapter's layout: the stored shape, and the matrices in it.
    private var matrices: [String: (shape: [Int], places: [Place])] = [:]

    init(_ adapter: LowRankAdapter, _ configuration: TransformerConfiguration, model: String) {
        self.adapter = adapter
        self.configuration = configuration
        self.model = model
        var named = configuration
        named.layout.naming = adapter.naming
        for layer in configuration.layers.indices {
            for tensor in LayerTensor.allCases where tensor.adapterInput != nil {
                guard let place = named.place(of: tensor, in: layer) else { continue }
                matrices[place.name, default: (place.storedShape, [])].places.append(
                    Place(layer: layer, tensor: tensor, rows: place.rows)
                )
            }
        }
    }

    /// Refuses what is not a sum of low-rank changes.
    func checkKind() throws(CollabError) {
        guard let replacement = adapter.replacements.first else { return }
        throw CollabError(
            .unsupported,
            "\(adapter.name) brings “\(replacement.name)” along whole, which cannot be added while \(model) runs; "
                + "merge it in with applied(to:)."
        )
    }

    /// The matrices that a module changes.
    func places(of module: LowRankAdapter.Module) throws(CollabError) -> [Place] {
        guard let matrix = matrices[module.tensor] else {
            if [ModelTensor.embedding, .output].contains(where: { $0.name(adapter.naming) == module.tensor })
            {
                throw CollabError(
                    .unsupported,
                    "\(adapter.name) changes “\(module.path)”; while a model runs only the matrices of its layers "
                        + "can be changed. Merge it in with applied(to:)."
                )
            }
            let known = matrices.compactMap { name, matrix in
                matrix.places.contains { $0.layer == 0 } ? name : nil
            }
            throw CollabError(
                .tensorMismatch,
                "\(model) has no matrix “\(module.tensor)” for \(adapter.name) to change; its first layer has "
                    + "\(known.sorted().joined(separator: ", "))."
            )
        }
        guard matrix.shape == module.shape else {
            throw CollabError(
                .tensorMismatch,
                "\(adapter.name) changes “\(module.tensor)” as a matrix of shape \(module.shape); in \(model) it "
                    + "has the shape \(matrix.shape)."
            )
        }
        return matrix.places
    }

    /// factor · B of a matrix, column by column, with its rows in the model's order.
    func columns(of module: LowRankAdapter.Module, factor: Float, at place: Place) -> [Float] {
        let count = place.rows.count
        let rows = (0..<count).map { place.rows.lowerBound + source(of: $0, of: place.tensor) }
        return [Float](unsafeUninitializedCapacity: count * module.rank) { buffer, filled in
            for (index, row) in rows.enumerated() {
                for component in 0..<module.rank {
                    buffer[component * count + index] = factor * module.b[row * module.rank + component]
                }
            }
            filled = count * module.rank
        }
    }

    /// What makes the rows of W + s B A as long as the module's magnitudes say, in the model's order of rows; `nil` for a
    /// module without magnitudes.
    ///
    /// Throws what reading W throws, and ``Collab/CollabError`` with `notFinite` for a row of 0, which has no length.
    func lengthFactors(
        of module: LowRankAdapter.Module,
        at place: Place,
        in checkpoint: any Checkpoint
    ) throws(CollabError) -> [Float]? {
        guard let magnitudes = module.magnitudes,
            let stored = configuration.place(of: place.tensor, in: place.layer)
        else { return nil }
        let columns = module.shape[1]
        var factors: [Float] = []
        for row in 0..<place.rows.count {
            let start = (stored.rows.lowerBound + row) * columns
            var values = try checkpoint.values(of: stored.name, elements: start..<start + columns)
            let source = place.rows.lowerBound + source(of: row, of: place.tensor)
            for component in 0..<module.rank {
                let factor = module.scale * module.b[source * module.rank + component]
                for column in 0..<columns {
                    values[column] += factor * module.a[component * columns + column]
                }
            }
            let length = values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            guard length > 0 else {
                throw CollabError(
                    .notFinite,
                    "Row \(source) of “\(module.tensor)” is 0 under \(adapter.name) and cannot be given a length."
                )
            }
            factors.append(Float(Double(magnitudes[source]) / length))
        }
        return factors
    }

    /// Which row of the adapter's matrix becomes a row of the model's: converters to GGUF order the rows of some
    /// families' queries and keys so that pairs that rotate together, (i, i + d / 2) of a head, are neighbours.
    private func source(of row: Int, of tensor: LayerTensor) -> Int {
        let isPaired = adapter.naming == .gguf && configuration.family.pairsNeighboursInGGUF
        guard tensor == .query || tensor == .key, isPaired != configuration.rotatesNeighbours else {
            return row
        }
        let dimension = configuration.headDimension
        let (head, place) = (row / dimension * dimension, row % dimension)
        return isPaired
            ? head + place % (dimension / 2) * 2 + place / (dimension / 2)
            : head + place % 2 * (dimension / 2) + place / 2
    }
}
