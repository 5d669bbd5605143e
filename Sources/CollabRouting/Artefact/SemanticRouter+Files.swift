public import Collab
import CollabBackends

extension SemanticRouter {
    /// Saves the routes, their thresholds and where these come from as `router.json` in a folder.
    ///
    /// Examples are saved as texts; whoever loads a router that compares embeddings brings the model. The article “Routing
    /// by learning” describes the fields.
    ///
    /// - Parameters:
    ///   - folder: made if it is not there.
    ///   - facts: what else is to be known of it, for people; added to `facts`.
    ///
    /// Throws ``Collab/CollabError`` with `inputOutput` if the file cannot be written, and `notFinite` for a threshold that
    /// is no number.
    public func save(to folder: String, facts more: [String: String] = [:]) throws(CollabError) {
        var described = JSONObject()
        if let embedding {
            embedding.describe(in: &described)
        } else {
            (features ?? NGramFeatures()).describe(in: &described)
        }
        var listed: [JSONValue] = []
        for route in routes {
            guard route.threshold.isFinite else {
                throw CollabError(.notFinite, "The threshold of “\(route.name)” is \(route.threshold).")
            }
            listed.append([
                "name": .init(route.name), "threshold": .init(route.threshold),
                "examples": .array(route.examples.map { .init($0) }),
            ])
        }
        let document: JSONValue = [
            "format": "collab-router", "version": 1, "method": .init(Self.method), "routes": .array(listed),
            "nearest": .init(nearest), "aggregation": .init(aggregation.rawValue),
            "features": .object(described),
            "facts": .init(facts: facts.merging(more) { _, new in new }),
        ]
        try makeFolder(folder)
        try document.write(to: folder + "/router.json")
    }

    /// Loads routes that were saved; examples are embedded now.
    ///
    /// - Parameters:
    ///   - folder: what `save(to:facts:)` wrote.
    ///   - model: what makes the vectors, for routes that compare them.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound`, `inputOutput`, `malformedFile` for a file that is not what
    /// `save(to:facts:)` writes, `unsupported` for another method or version, `invalidRequest` if the embedding model is
    /// missing or its vectors have another length, and what embedding throws.
    public init(
        contentsOf folder: String,
        embeddedBy model: (any EmbeddingModel)? = nil
    ) async throws(CollabError) {
        let path = folder + "/router.json"
        let document = try JSONValue(routerAt: path)
        func malformed(_ what: String) -> CollabError { CollabError(.malformedFile, "\(path) \(what).") }
        guard let method = document["method"]?.stringValue, method == Self.method else {
            throw CollabError(
                .unsupported,
                "\(path) is of the method “\(document["method"]?.stringValue ?? "")”, which is read as a LearnedRouter."
            )
        }
        var routes: [SemanticRoute] = []
        for route in document["routes"]?.arrayValue ?? [] {
            guard let name = route["name"]?.stringValue, let threshold = route["threshold"]?.doubleValue,
                let texts = route["examples"]?.arrayValue
            else { throw malformed("has a route without name, threshold or examples") }
            let examples = texts.compactMap(\.stringValue)
            guard examples.count == texts.count else { throw malformed("has an example that is no text") }
            routes.append(SemanticRoute(name, threshold: threshold, examples: examples))
        }
        guard !routes.isEmpty, let nearest = document["nearest"]?.intValue, nearest > 0,
            let aggregation = document["aggregation"]?.stringValue.flatMap(Aggregation.init(rawValue:)),
            let described = document["features"]
        else { throw malformed("lacks routes, how they are compared, or features") }
        switch described["kind"]?.stringValue {
        case "embedding":
            try await self.init(
                routes,
                embeddedBy: try described.embeddingModel(model, path),
                nearest: nearest,
                aggregation: aggregation
            )
        case "ngrams":
            guard let features = NGramFeatures(described: described) else {
                throw malformed("does not say how its n-grams are made")
            }
            self.init(routes, nearest: nearest, aggregation: aggregation, features: features)
        default: throw malformed("has features of no known kind")
        }
        facts = document.facts
    }

    static var method: String { "semantic" }
}
