import Collab

/// An adapter whose change of every matrix is let through by a gate, token by token: y = W x + σ(v · x) · s B A x, with
/// one vector v a module and σ the logistic function; where rows are given lengths (DoRA), what those change is let
/// through as well.
struct GatedAdapter: Sendable {
    /// One of the engine's matrices.
    struct Site: Hashable, Sendable {
        var layer: Int
        var tensor: LayerTensor
    }

    /// What a module adds to one of the engine's matrices.
    struct Part: Sendable {
        /// Which of the gates lets it through; modules that the engine keeps as several matrices have one for all.
        var gate: Int
        /// A, one row a component.
        var rows: [Float]
        /// s · B, one column a component.
        var columns: [Float]
        /// How many components there are.
        var rank: Int
        /// By how much more each output of W x itself counts, where rows are given lengths; `nil`: as it is.
        var gains: [Float]?
    }

    /// The modules that change something, by their paths; each has a gate.
    let paths: [String]
    /// How long each gate is.
    let widths: [Int]
    private let parts: [Site: Part]

    /// Finds the matrices of a model that the adapter changes.
    ///
    /// Throws what ``AdapterSet`` throws when it places adapters.
    init(
        _ adapter: LowRankAdapter,
        in configuration: TransformerConfiguration,
        of model: any Checkpoint
    ) throws(CollabError) {
        let places = try AdapterSet.sites(of: adapter, in: configuration, of: model.name)
        var (paths, widths, parts) = ([String](), [Int](), [Site: Part]())
        for module in adapter.modules {
            let alone = try LowRankAdapter(
                adapter.name,
                modules: [module],
                replacements: adapter.replacements,
                naming: adapter.naming
            )
            let set = try AdapterSet.placing([(adapter: alone, weight: 1)], in: configuration, of: model)
            guard let set, let place = places[module.path], let changes = set[place.layer, place.input]
            else { continue }
            for update in changes.updates {
                parts[Site(layer: place.layer, tensor: update.tensor)] = Part(
                    gate: paths.count,
                    rows: changes.rows,
                    columns: update.columns,
                    rank: module.rank,
                    gains: update.gains
                )
            }
            paths.append(module.path)
            widths.append(module.shape[1])
        }
        self.paths = paths
        self.widths = widths
        self.parts = parts
    }

    /// What is added to a matrix; `nil` where nothing is changed.
    subscript(site: Site) -> Part? { parts[site] }

    /// Gates of zeros, which let half of everything through.
    var zeroGates: [[Float]] { widths.map { [Float](repeating: 0, count: $0) } }
}
