public import Collab

/// By what a token chooses among adapters, matrix by matrix: one vector for each adapter's change of each matrix, which is
/// multiplied with what the matrix reads.
///
/// Four kinds are at hand: those of ``arrow(_:)``, which are in the adapters already, those of
/// ``texts(_:for:readBy:)``, which are measured on some text of each adapter's domain, those of
/// ``trained(on:for:over:by:reporting:)``, which are trained on it, and vectors that were trained elsewhere.
/// `adapted(by:gates:choosing:weights:name:)` of a native model puts adapters in force with them. To keep them, encode them.
public struct AdapterGates: Hashable, Sendable, Codable {
    /// What is made of the product of a gate and an input.
    public enum Score: String, Hashable, Sendable, Codable {
        /// √n times the correlation of the two, n being their length: both are standardised, multiplied, and divided by
        /// √n (M. Muqeeth et al., *Learning to Route Among Specialized Experts for Zero-Shot Generalization*, 2024, called
        /// PHATGOOSE).
        case correlation
        /// The magnitude of the product (O. Ostapenko et al., *Towards Modular LLMs by Building and Reusing a Library of
        /// LoRAs*, 2024, called Arrow).
        case magnitude
    }

    /// What is made of products.
    public let score: Score
    /// For each adapter, in their order, the gates of its modules by their paths.
    public let vectors: [[String: [Float]]]

    /// Takes gates that were trained.
    ///
    /// - Parameters:
    ///   - vectors: for each adapter, in their order, the gates of its modules by their paths, such as
    ///     `model.layers.0.mlp.up_proj`; each is as long as what the module reads.
    ///   - score: what is made of products.
    public init(_ vectors: [[String: [Float]]], score: Score = .correlation) {
        self.vectors = vectors
        self.score = score
    }

    /// Gates that need neither training nor text: of every change s B A the direction of the input that it changes most,
    /// its first right singular vector.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for no adapters, and what composing throws.
    public static func arrow(_ adapters: [LowRankAdapter]) throws(CollabError) -> AdapterGates {
        var vectors: [[String: [Float]]] = []
        for adapter in adapters {
            let first = try LowRankAdapter(adapter.name, composing: [(adapter, 1)], by: .exact(rank: 1))
            var own: [String: [Float]] = [:]
            for module in adapter.modules { own[module.path] = [Float](repeating: 0, count: module.shape[1]) }
            for module in first.modules {
                let direction = module.a.prefix(module.shape[1])
                let length = direction.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                if length > 0 { own[module.path] = direction.map { Float(Double($0) / length) } }
            }
            vectors.append(own)
        }
        return AdapterGates(vectors, score: .magnitude)
    }

    /// Gates along what the base reads in each adapter's texts: the mean of each matrix's inputs, made equally long, less
    /// the mean over all adapters, so that what all texts have in common decides nothing.
    ///
    /// - Parameters:
    ///   - texts: tokens of some texts of each adapter's domain, in the order of the adapters.
    ///   - adapters: the adapters.
    ///   - base: the model that reads the texts.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for an adapter without texts, `tensorMismatch` for modules that
    /// the model lacks, and what reading throws.
    public static func texts(
        _ texts: [[[TokenID]]],
        for adapters: [LowRankAdapter],
        readBy base: NativeModel
    ) async throws(CollabError) -> AdapterGates {
        guard texts.count == adapters.count else {
            throw CollabError(
                .invalidRequest,
                "There are texts for \(texts.count) adapters and \(adapters.count) adapters."
            )
        }
        var means: [[[[Float]]]] = []
        for (adapter, texts) in zip(adapters, texts) {
            guard !texts.allSatisfy(\.isEmpty) else {
                throw CollabError(.invalidRequest, "\(adapter.name) has no texts to be chosen by.")
            }
            means.append(try await base.meanInputs(texts.filter { !$0.isEmpty }))
        }
        var vectors: [[String: [Float]]] = []
        for (place, adapter) in adapters.enumerated() {
            var own: [String: [Float]] = [:]
            for (path, site) in try AdapterSet.sites(of: adapter, in: base.configuration, of: base.name) {
                let directions = means.map { unit($0[site.layer][site.input.rawValue]) }
                own[path] = directions[place].indices.map { index in
                    directions[place][index]
                        - directions.reduce(0) { $0 + $1[index] } / Float(directions.count)
                }
            }
            vectors.append(own)
        }
        return AdapterGates(vectors)
    }

    /// The number of adapters that there are gates for.
    public var adapterCount: Int { vectors.count }

    /// What products become scores by, beside the input's spread.
    func factor(width: Int) -> Float {
        score == .correlation ? 1 / Float(width).squareRoot() : 1
    }

    /// The row that an input is multiplied with for a module.
    func row(
        of module: LowRankAdapter.Module,
        adapter: Int,
        named name: String
    ) throws(CollabError) -> [Float] {
        guard let vector = vectors[adapter][module.path] else {
            throw CollabError(.tensorMismatch, "There is no gate for “\(module.path)” of \(name).")
        }
        guard vector.count == module.shape[1] else {
            throw CollabError(
                .tensorMismatch,
                "The gate for “\(module.path)” of \(name) has \(vector.count) numbers; it reads \(module.shape[1])."
            )
        }
        guard vector.allSatisfy(\.isFinite) else {
            throw CollabError(.notFinite, "The gate for “\(module.path)” of \(name) is not finite.")
        }
        return score == .correlation ? standardised(vector) : vector
    }
}

/// A vector of mean 0 and standard deviation 1, or of 0 if its numbers are equal.
private func standardised(_ vector: [Float]) -> [Float] {
    let count = Double(vector.count)
    let mean = vector.reduce(0) { $0 + Double($1) } / count
    let variance = vector.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
    guard variance > 0 else { return [Float](repeating: 0, count: vector.count) }
    return vector.map { Float((Double($0) - mean) / variance.squareRoot()) }
}

/// A vector of length 1, or of 0.
private func unit(_ vector: [Float]) -> [Float] {
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length == 0 ? vector : vector.map { $0 / length }
}
