import Collab
import CollabBackends

/// Builds the parts of a plan, slice by slice.
struct PlanBuilder {
    let document: MergeDocument
    let schema: MethodSchema
    let seed: UInt64
    let shelf: ModelShelf
    /// The layers that have been stacked, by their places in the first sources.
    var layerOrigins: [Int] = []
    var warnings: [String] = []
    var requiresFinite = true
    /// The vocabulary and whose tokenizer it is based on, where the configuration asks for one.
    var vocabulary: MergedVocabulary?
    var tokenizerReference: ModelReference?
    /// The models whose vocabularies it was put together of.
    var vocabularyModels: [any Checkpoint] = []
    /// The format that each tensor's inputs ask for.
    var formats: [String: TensorFormat] = [:]

    init(_ document: MergeDocument, seed: UInt64, shelf: ModelShelf) throws(CollabError) {
        self.shelf = shelf
        guard let schema = MethodSchema.all[document.method] else {
            throw CollabError(.invalidRequest, "There is no merge method “\(document.method)”.")
        }
        self.document = document
        self.schema = schema
        self.seed = seed
        let scopes =
            [document.parameters, document.moduleParameters] + document.slices.map(\.parameters)
            + document.slices.flatMap { $0.sources.map(\.parameters) }
        for (key, parameter) in schema.parameters
        where !parameter.isUsed && scopes.contains(where: { $0[key] != nil }) {
            warnings.append("“\(key)” changes nothing for the method \(schema.name).")
        }
        warnings.sort()
    }

    func donor() throws(CollabError) -> any Checkpoint {
        let first = document.slices[0].sources[0].model
        return try shelf.checkpoint(document.base ?? document.slices[0].base ?? first)
    }

    /// Gives all models the vocabulary that the configuration asks for.
    mutating func alignVocabularies() throws(CollabError) {
        guard let setting = document.tokenizer else { return }
        var references = document.models
        if case .model(let reference) = setting.vocabulary, !references.contains(reference) {
            references.append(reference)
        }
        let first = document.base ?? document.slices[0].base ?? document.slices[0].sources[0].model
        var (models, vocabularies): ([any Checkpoint], [ModelVocabulary]) = ([], [])
        for reference in references {
            models.append(try shelf.checkpoint(reference))
            vocabularies.append(try ModelVocabulary(of: models[models.count - 1]))
        }
        let base = references.firstIndex(of: first) ?? 0
        let merged = try MergedVocabulary(setting, references, vocabularies, base: base)
        for (place, reference) in references.enumerated() {
            let rows = try merged.sources(of: place)
            shelf.replace(reference, with: try RealignedCheckpoint(models[place], rows: rows, models: models))
        }
        vocabulary = merged
        vocabularyModels = models
        tokenizerReference = references[merged.donor]
    }

    /// Notes the files beside the weights that the result is made of.
    func noteSettings(_ donor: any Checkpoint, _ tokenizerDonor: any Checkpoint) {
        shelf.note(["config.json"], in: donor)
        shelf.note(ResultFolder.taken, in: tokenizerDonor)
        for model in vocabularyModels { shelf.note(["tokenizer.json"], in: model) }
    }

    func tokenizerDonor() throws(CollabError) -> (any Checkpoint)? {
        guard let tokenizerReference else { return nil }
        return try shelf.checkpoint(tokenizerReference)
    }

    mutating func part(_ index: Int) throws(CollabError) -> MergedCheckpoint {
        let slice = document.slices[index]
        let baseReference = slice.base ?? document.base
        var sources = slice.sources
        try check(slice, baseReference)
        // A base that is not listed takes part as well.
        if let baseReference, schema.base != .alone, !sources.contains(where: { $0.model == baseReference }) {
            sources.append(.init(model: baseReference, layers: sources[0].layers))
        }
        var ranges: [Range<Int>] = []
        for source in sources { ranges.append(try layers(of: source)) }
        let target = layerOrigins.count..<layerOrigins.count + ranges[0].count
        if let odd = ranges.firstIndex(where: { $0.count != target.count }) {
            throw CollabError(
                .tensorMismatch,
                "\(sources[odd].model) has \(ranges[odd].count) layers where \(sources[0].model) has \(target.count)."
            )
        }
        layerOrigins += ranges[0]
        let views = try views(
            of: sources,
            ranges,
            at: target,
            isFirst: index == 0,
            isLast: index == document.slices.count - 1
        )
        return try merge(views, sources, slice, baseReference, target)
    }

    private func check(_ slice: MergeDocument.Slice, _ base: ModelReference?) throws(CollabError) {
        let count = slice.sources.count
        if let base, [.required, .optional].contains(schema.base) {
            let bases = slice.sources.count { $0.model == base }
            guard bases <= 1 else {
                throw CollabError(
                    .invalidRequest,
                    "A slice lists its base \(base) \(bases) times; task vectors are measured from one."
                )
            }
        }
        switch schema.base {
        case .required, .firstOfTwo:
            guard base != nil else {
                throw CollabError(.invalidRequest, "The method \(schema.name) needs a base_model.")
            }
        case .alone:
            guard count == 1 else {
                throw CollabError(
                    .invalidRequest,
                    "The method \(schema.name) takes one source a slice; there are \(count)."
                )
            }
        case .optional, .member: break
        }
    }

    /// The layers that a source gives to its slice.
    private func layers(of source: MergeDocument.Source) throws(CollabError) -> Range<Int> {
        let checkpoint = try shelf.checkpoint(source.model)
        let found = LayerStacks(checkpoint.tensors)
        let (count, stacks) = (found.layerCount, found.prefixes)
        guard stacks.count <= 1 || document.slices.count == 1 && [nil, 0..<count].contains(source.layers)
        else {
            throw CollabError(
                .unsupported,
                "\(source.model) has several stacks of layers (\(stacks.joined(separator: ", "))); slices do not say "
                    + "which of them they are of. Merge whole models."
            )
        }
        guard let layers = source.layers else { return 0..<count }
        guard layers.upperBound <= count else {
            throw CollabError(
                .tensorMismatch,
                "\(source.model) has \(count) layers; there are no layers \(layers.lowerBound) up to \(layers.upperBound)."
            )
        }
        return layers
    }

    /// The tensors of a slice as each source has them, under the names of the result.
    private mutating func views(
        of sources: [MergeDocument.Source],
        _ ranges: [Range<Int>],
        at target: Range<Int>,
        isFirst: Bool,
        isLast: Bool
    ) throws(CollabError) -> [CheckpointView] {
        var named: [[(name: String, original: String)]] = []
        for (source, range) in zip(sources, ranges) {
            var names: [(name: String, original: String)] = []
            for (_, tensor) in (try shelf.checkpoint(source.model) as? SafetensorsCheckpoint)?.integerTensors
                ?? []
            {
                note(
                    "“\(tensor.name)” of \(source.model) holds whole numbers, which are no weights; left out."
                )
            }
            for tensor in try shelf.checkpoint(source.model).tensors {
                if Self.isBuffer(tensor.name) {
                    note(
                        "“\(tensor.name)” of \(source.model) is computed by every program that runs the model; left out."
                    )
                    continue
                }
                switch TensorPlace(tensor.name) {
                case .beforeLayers where isFirst, .afterLayers where isLast:
                    names.append((tensor.name, tensor.name))
                case .layer(let layer) where range.contains(layer):
                    let moved = target.lowerBound + layer - range.lowerBound
                    names.append((TensorPlace.renamed(tensor.name, toLayer: moved), tensor.name))
                default: break
                }
            }
            named.append(names)
        }
        if isLast { try untie(&named, sources) }
        var views: [CheckpointView] = []
        for (source, names) in zip(sources, named) {
            views.append(CheckpointView(try shelf.checkpoint(source.model), names: names))
        }
        return views
    }

    /// Where some models have an output matrix of their own, the embeddings stand in for it in the others.
    private mutating func untie(
        _ named: inout [[(name: String, original: String)]],
        _ sources: [MergeDocument.Source]
    ) throws(CollabError) {
        let head = "lm_head.weight"
        guard named.contains(where: { $0.contains { $0.name == head } }) else { return }
        for index in named.indices where !named[index].contains(where: { $0.name == head }) {
            let checkpoint = try shelf.checkpoint(sources[index].model)
            guard
                let embeddings = checkpoint.tensors.first(where: { $0.name.hasSuffix("embed_tokens.weight") })
            else { continue }
            named[index].append((head, embeddings.name))
            note(
                "\(sources[index].model) has no “\(head)”; its embeddings stand in, and the result has one of its own."
            )
        }
    }

    mutating func note(_ warning: String) {
        if !warnings.contains(warning) { warnings.append(warning) }
    }

    /// Whether a tensor holds constants that old checkpoints carry along.
    private static func isBuffer(_ name: String) -> Bool {
        name.hasSuffix("rotary_emb.inv_freq") || name.hasSuffix(".attn.masked_bias")
    }

    private mutating func merge(
        _ views: [CheckpointView],
        _ sources: [MergeDocument.Source],
        _ slice: MergeDocument.Slice,
        _ baseReference: ModelReference?,
        _ layers: Range<Int>
    ) throws(CollabError) -> MergedCheckpoint {
        var places = Array(views.indices)
        var base: CheckpointView?
        if let baseReference, let place = sources.firstIndex(where: { $0.model == baseReference }) {
            switch schema.base {
            case .required, .optional:
                base = views[place]
                places.removeAll { sources[$0].model == baseReference }
            case .firstOfTwo:
                places.removeAll { $0 == place }
                places.insert(place, at: 0)
            case .member, .alone: break
            }
        }
        let described = base ?? views[places.first ?? 0]
        for view in views {
            // Quantised tensors say nothing about how exact a result has to be.
            for tensor in view.tensors where tensor.format.blockElements == 1 {
                formats[tensor.name] = Self.joined(formats[tensor.name], tensor.format)
            }
        }
        let method = SliceMethod(
            schema: schema,
            base: base,
            members: places.map { (views[$0], sources[$0].parameters) },
            scopes: [slice.parameters, document.moduleParameters, document.parameters],
            layers: layers,
            seed: seed,
            tensors: described.tensors,
            statistics: try statistics(of: places.map { (views[$0], sources[$0]) }, slice)
        )
        let merged = MergedCheckpoint(
            document.name,
            method,
            members: places.map { views[$0] },
            requiringFinite: requiresFinite
        )
        try merged.validate()
        return merged
    }

    /// What has been measured of the members, where the method asks for it.
    private func statistics(
        of members: [(view: CheckpointView, source: MergeDocument.Source)],
        _ slice: MergeDocument.Slice
    ) throws(CollabError) -> [ModelStatistics] {
        guard schema.parameters["statistics"] != nil else { return [] }
        var found: [ModelStatistics] = []
        for (view, source) in members {
            let scopes = [
                source.parameters, slice.parameters, document.moduleParameters, document.parameters,
            ]
            let setting = scopes.compactMap { $0["statistics"]?.value(for: "", depth: 0) }.first
            guard case .text(let path)? = setting else {
                throw CollabError(
                    .invalidRequest,
                    "The method \(schema.name) needs “statistics” for \(view.name): a file of merge measure."
                )
            }
            guard view.tensors.allSatisfy({ view.original(of: $0.name) == $0.name }) else {
                throw CollabError(
                    .unsupported,
                    "Statistics are of whole models; the method \(schema.name) does not merge layers that change places."
                )
            }
            found.append(try ModelStatistics(contentsOf: shelf.located(path)))
            try shelf.note(shelf.located(path), of: view.name)
        }
        if let weights = members.first?.view.tensors {
            try ModelStatistics.check(schema.name == "regmean" ? .gram : .fisher, in: found, for: weights)
        }
        return found
    }

    /// The format that holds what both hold.
    private static func joined(_ first: TensorFormat?, _ second: TensorFormat) -> TensorFormat {
        guard let first, first != second else { return second }
        return .f32
    }
}
