import Collab
import CollabBackends

/// Builds the parts of a plan, module by module and slice by slice.
struct PlanBuilder {
    let document: MergeDocument
    let schema: MethodSchema
    let seed: UInt64
    let shelf: ModelShelf
    /// The layers that have been stacked in each module, by their places in the first sources.
    var layerOrigins: [[Int]]
    /// To which modules the tensors of a model belong.
    private var moduleTensors: [ModelReference: ModuleTensors] = [:]
    var warnings: [String] = []
    var requiresFinite = true
    /// The vocabulary and whose tokenizer it is based on, where the configuration asks for one.
    var vocabulary: MergedVocabulary?
    var tokenizerReference: ModelReference?
    /// The models whose vocabularies it was put together of.
    var vocabularyModels: [any Checkpoint] = []
    /// What the result has beside weights, by name.
    var buffers: [String: StoredBuffer] = [:]
    /// The matrices that are too large for the method, by how many elements they may have.
    var largeMatrices: [Int: [String]] = [:]
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
        layerOrigins = document.modules.map { _ in [] }
        let scopes = document.parameterScopes
        for (key, parameter) in schema.parameters
        where !parameter.isUsed && scopes.contains(where: { $0[key] != nil }) {
            warnings.append("“\(key)” changes nothing for the method \(schema.name).")
        }
        warnings.sort()
    }

    /// The model whose configuration the result has, and whose tokenizer where nothing else is said.
    var donorReference: ModelReference {
        let first = document.modules[0].slices[0]
        return document.base ?? first.base ?? first.sources[0].model
    }

    func donor() throws(CollabError) -> any Checkpoint { try shelf.checkpoint(donorReference) }

    /// Gives all models the vocabulary that the configuration asks for.
    mutating func alignVocabularies() throws(CollabError) {
        guard let setting = document.tokenizer else { return }
        var references = document.models
        if case .model(let reference) = setting.vocabulary, !references.contains(reference) {
            references.append(reference)
        }
        let first = donorReference
        var (models, vocabularies): ([any Checkpoint], [ModelVocabulary]) = ([], [])
        for reference in references {
            models.append(try shelf.checkpoint(reference))
            vocabularies.append(
                try ModelVocabulary(of: models[models.count - 1], file: shelf.tokenizer(of: reference)?.file)
            )
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
        shelf.note(["config.json"] + ResultFolder.processors, in: donor)
        shelf.note(ResultFolder.taken, in: tokenizerDonor)
        for model in vocabularyModels { shelf.note(["tokenizer.json"], in: model) }
    }

    /// The tokenizer that the result gets.
    func tokenizer() throws(CollabError) -> ResultTokenizer {
        let reference = tokenizerReference ?? donorReference
        guard let known = shelf.tokenizer(of: reference) else {
            let donor = try shelf.checkpoint(reference)
            return ResultTokenizer(donor: donor, file: vocabulary?.file, chatTemplate: nil)
        }
        return ResultTokenizer(
            donor: known.donor,
            file: vocabulary?.file ?? known.file,
            chatTemplate: known.chatTemplate
        )
    }

    /// The chat template that the configuration asks for.
    func chatTemplate() throws(CollabError) -> String? {
        guard let setting = document.chatTemplate else { return nil }
        var templates: [String] = []
        for model in document.models {
            let known = shelf.tokenizer(of: model)
            if let text = known?.chatTemplate {
                templates.append(text)
                continue
            }
            var donor = try shelf.checkpoint(model)
            if let known { donor = known.donor }
            let folder = (donor.specification as? HuggingFaceSpecification)?.folder
            if let text = try folder?.chatTemplate() { templates.append(text) }
        }
        return try NamedChatTemplate.text(setting, of: templates)
    }

    /// Where the layers of all modules come from.
    mutating func modules() throws(CollabError) -> [ModuleLayers] {
        let owners = try moduleTensors(of: donorReference)
        let tensors = try donor().tensors
        return layerOrigins.enumerated().map { place, origins in
            ModuleLayers(origins, tensors.filter { owners.owns($0.name, place) })
        }
    }

    mutating func part(_ index: Int, of place: Int) throws(CollabError) -> MergedCheckpoint {
        let module = document.modules[place]
        let slice = module.slices[index]
        let baseReference = slice.base ?? document.base
        var sources = slice.sources
        try check(slice, baseReference)
        // A base that is not listed takes part as well; as a member like the others only beside whole models, as in mergekit.
        let takesBase = schema.base != .alone && !(schema.base == .member && sources[0].layers != nil)
        if let baseReference, takesBase, !sources.contains(where: { $0.model == baseReference }) {
            sources.append(.init(model: baseReference, layers: sources[0].layers))
        }
        var ranges: [Range<Int>] = []
        for source in sources { ranges.append(try layers(of: source, in: place)) }
        let first = layerOrigins[place].count
        let target = first..<first + ranges[0].count
        if let odd = ranges.firstIndex(where: { $0.count != target.count }) {
            throw CollabError(
                .tensorMismatch,
                "\(sources[odd].model) has \(ranges[odd].count) layers where \(sources[0].model) has \(target.count)."
            )
        }
        layerOrigins[place] += ranges[0]
        let views = try views(
            of: sources,
            ranges,
            at: target,
            in: place,
            buffersOf: baseReference ?? donorReference,
            isFirst: index == 0,
            isLast: index == module.slices.count - 1
        )
        return try merge(views, sources, slice, module, baseReference, target)
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

    /// To which modules the tensors of a model belong.
    mutating func moduleTensors(of model: ModelReference) throws(CollabError) -> ModuleTensors {
        if let known = moduleTensors[model] { return known }
        let tensors = try shelf.checkpoint(model).tensors.filter { !Self.isBuffer($0.name) }
        let found = try ModuleTensors(document.modules.map(\.name), of: model.description, tensors)
        moduleTensors[model] = found
        return found
    }

    mutating func note(_ warning: String) {
        if !warnings.contains(warning) { warnings.append(warning) }
    }

    /// Whether a tensor holds constants that old checkpoints carry along.
    static func isBuffer(_ name: String) -> Bool {
        name.hasSuffix("rotary_emb.inv_freq") || name.hasSuffix(".attn.masked_bias")
    }

    private mutating func merge(
        _ views: [CheckpointView],
        _ sources: [MergeDocument.Source],
        _ slice: MergeDocument.Slice,
        _ module: MergeDocument.Module,
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
            scopes: [slice.parameters, module.parameters, document.parameters],
            layers: SliceLayers(layers, described.tensors),
            seed: seed,
            tensors: described.tensors,
            statistics: try statistics(of: places.map { (views[$0], sources[$0]) }, slice, module)
        )
        let merged = MergedCheckpoint(
            document.name,
            method,
            members: places.map { views[$0] },
            requiringFinite: requiresFinite
        )
        try merged.validate()
        for tensor in merged.tensors {
            if let limit = method.elementLimit(of: tensor), tensor.elementCount > limit {
                largeMatrices[limit, default: []].append(tensor.name)
            }
        }
        return merged
    }

    /// What has been measured of the members, where the method asks for it.
    private func statistics(
        of members: [(view: CheckpointView, source: MergeDocument.Source)],
        _ slice: MergeDocument.Slice,
        _ module: MergeDocument.Module
    ) throws(CollabError) -> [ModelStatistics] {
        guard schema.parameters["statistics"] != nil else { return [] }
        var found: [ModelStatistics] = []
        for (view, source) in members {
            let scopes = [source.parameters, slice.parameters, module.parameters, document.parameters]
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
        // Of all modules together: there may be no statistics of one of them.
        if let weights = members.first?.view.source.tensors {
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
