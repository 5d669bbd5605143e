public import Collab
import CollabBackends

extension LearnedRouter {
    /// The methods whose artefacts can be read.
    static let methods: [any QualityEstimator.Type] = [
        LinearEstimator.self, NeighbourEstimator.self, KernelEstimator.self, ClusterEstimator.self,
        BradleyTerryEstimator.self, FactorizationEstimator.self, PerceptronEstimator.self,
        ContrastiveEstimator.self, GraphEstimator.self, EnsembleEstimator.self, LinearBandit.self,
    ]

    /// Saves the router as a folder of two files: `router.json` with its kind, models, settings and facts, and
    /// `router.safetensors` with its tables.
    ///
    /// N-gram features are saved with their weights; of an embedding model the name and the length of its vectors, as
    /// whoever loads the router brings the model. The article “Routing by learning” describes the fields.
    ///
    /// Throws ``Collab/CollabError`` with `inputOutput` if the files cannot be written.
    public func save(to folder: String) throws(CollabError) {
        try makeFolder(folder)
        let parameters = estimator.parameters
        var tables = parameters.tables
        var described: JSONObject = ["name": .string(features.name)]
        switch features {
        case .ngrams(let ngrams, let weights):
            ngrams.describe(in: &described)
            described["documents"] = .init(weights.documents)
            var frequencies = Table(rows: 1, columns: Int(ngrams.buckets))
            for (place, count) in weights.frequencies { frequencies[0, Int(place)] = Float(count) }
            tables["document frequencies"] = frequencies
        case .embedding(let model):
            model.describe(in: &described)
        }
        var numbers = JSONObject()
        for (name, value) in parameters.numbers.sorted(by: { $0.key < $1.key }) {
            numbers[name] = .init(value)
        }
        let document: JSONValue = [
            "format": "collab-router", "version": 1,
            "method": .init(type(of: estimator).method),
            "models": .array(models.map { .init($0) }),
            "features": .object(described), "numbers": .object(numbers), "policy": try policy.described(),
            "facts": .init(facts: facts),
        ]
        let names = tables.keys.sorted()
        let writer = try SafetensorsWriter(
            path: folder + "/router.safetensors",
            tensors: names.map { name in
                let table = tables[name] ?? Table(rows: 0, columns: 0)
                return TensorDescription(name: name, shape: [table.rows, table.columns], format: .f32)
            }
        )
        for name in names { try writer.append(tables[name]?.values ?? [], to: name) }
        try writer.finish()
        try document.write(to: folder + "/router.json")
    }

    /// Loads a router that was saved.
    ///
    /// - Parameters:
    ///   - folder: what ``save(to:)`` wrote.
    ///   - model: what makes the vectors, for a router that learned from them.
    ///   - policy: how a choice is made of the estimates; `nil`: as it was saved.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound`, `inputOutput`, `malformedFile` for files that are not what
    /// ``save(to:)`` writes, `unsupported` for methods and versions that are not known here, and `invalidRequest` if
    /// the embedding model is missing or its vectors have another length.
    public init(
        contentsOf folder: String,
        embeddedBy model: (any EmbeddingModel)? = nil,
        policy: RoutingPolicy? = nil
    ) throws(CollabError) {
        let path = folder + "/router.json"
        let document = try JSONValue(routerAt: path)
        func malformed(_ what: String) -> CollabError {
            CollabError(.malformedFile, "\(path) \(what).")
        }
        guard let method = document["method"]?.stringValue else { throw malformed("lacks the method") }
        guard let type = Self.methods.first(where: { $0.method == method }) else {
            throw CollabError(
                .unsupported,
                "\(path) is of the method “\(method)”, which is not known here"
                    + (method == SemanticRouter.method ? "; read it as a SemanticRouter." : ".")
            )
        }
        guard let models = document["models"]?.arrayValue?.compactMap(\.stringValue),
            let described = document["features"]
        else { throw malformed("lacks models or features") }
        var parameters = EstimatorParameters()
        for member in document["numbers"]?.objectValue ?? [:] {
            parameters.numbers[member.key] = member.value.doubleValue
        }
        parameters.tables = try Self.tables(folder + "/router.safetensors")
        let features = try Self.features(described, parameters.tables, model, path)
        let saved = try document["policy"].map { (policy) throws(CollabError) in
            guard let policy = RoutingPolicy(described: policy) else {
                throw malformed("has no policy that can be")
            }
            return policy
        }
        let estimator = try type.init(parameters)
        guard estimator.modelCount == models.count, Set(models).count == models.count else {
            throw malformed("names \(models.count) models, its tables have \(estimator.modelCount)")
        }
        try self.init(
            models: models,
            features: features,
            estimator: estimator,
            policy: policy ?? saved ?? .best,
            facts: document.facts
        )
        let width: Int
        switch features {
        case .ngrams(let ngrams, _): width = Int(ngrams.buckets)
        case .embedding(let model): width = model.dimension
        }
        guard width == estimator.dimension else {
            throw malformed("has features of \(width) numbers and tables for \(estimator.dimension)")
        }
    }

    private static func tables(_ path: String) throws(CollabError) -> [String: Table] {
        let checkpoint = try SafetensorsFile(path: path)
        var tables: [String: Table] = [:]
        for tensor in checkpoint.tensors {
            guard tensor.type == .f32, tensor.shape.count == 2 else {
                throw CollabError(
                    .malformedFile,
                    "\(path): “\(tensor.name)” is no table of single precision."
                )
            }
            let bytes = checkpoint.bytes(of: tensor)
            let values = (0..<tensor.elementCount).map { place in
                Float(
                    bitPattern: UInt32(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self)
                    )
                )
            }
            tables[tensor.name] = Table(columns: tensor.shape[1], values: values)
        }
        return tables
    }

    private static func features(
        _ described: JSONValue,
        _ tables: [String: Table],
        _ model: (any EmbeddingModel)?,
        _ path: String
    ) throws(CollabError) -> RoutingFeatures {
        switch described["kind"]?.stringValue {
        case "ngrams":
            guard let ngrams = NGramFeatures(described: described),
                let documents = described["documents"]?.intValue,
                documents >= 0
            else { throw CollabError(.malformedFile, "\(path) does not say how its n-grams are made.") }
            let parameters = EstimatorParameters(tables: tables)
            let frequencies = try parameters.table(
                "document frequencies",
                rows: 1,
                columns: Int(ngrams.buckets)
            )
            var counts: [UInt32: Int] = [:]
            for (place, value) in frequencies.values.enumerated() where value != 0 {
                guard value > 0, let count = Int(exactly: value), count <= documents else {
                    throw CollabError(.malformedFile, "\(path): \(value) texts cannot have a feature.")
                }
                counts[UInt32(place)] = count
            }
            return .ngrams(ngrams, InverseDocumentFrequency(documents: documents, frequencies: counts))
        case "embedding": return .embedding(try described.embeddingModel(model, path))
        default: throw CollabError(.malformedFile, "\(path) has features of no known kind.")
        }
    }
}
