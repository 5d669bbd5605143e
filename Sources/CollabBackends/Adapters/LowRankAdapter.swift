public import Collab

/// A low-rank adapter: a change W + s · B A for some of a model's matrices (E. Hu et al., *LoRA: Low-Rank Adaptation of
/// Large Language Models*, 2022), with its kin rsLoRA and DoRA.
///
/// Modules have the names that the model has them under in Hugging Face's layout, such as
/// `model.layers.0.self_attn.q_proj`; those of an adapter in GGUF have the names, and their rows the order, of that
/// format: `blk.0.attn_q`.
public struct LowRankAdapter: Sendable {
    /// The change of one matrix.
    public struct Module: Sendable {
        /// The module's name; its matrix is called so with `.weight` behind it.
        public var path: String
        /// How many rows A and how many columns B has.
        public var rank: Int
        /// The factor s: α / rank, or α / √rank in rsLoRA.
        public var scale: Float
        /// A, of shape `[rank, columns]`, in row-major order.
        public var a: [Float]
        /// B, of shape `[rows, rank]`, in row-major order.
        public var b: [Float]
        /// The lengths that the rows of the changed matrix are given (S.-Y. Liu et al., *DoRA: Weight-Decomposed
        /// Low-Rank Adaptation*, 2024); `nil` leaves them as they come out.
        public var magnitudes: [Float]?

        /// Makes a change.
        ///
        /// Throws ``Collab/CollabError`` with `tensorMismatch` for factors that are no matrices of the rank or
        /// magnitudes that are not one a row, and `notFinite` for numbers that are not finite.
        public init(
            path: String,
            rank: Int,
            scale: Float,
            a: [Float],
            b: [Float],
            magnitudes: [Float]? = nil
        ) throws(CollabError) {
            _ = try LowRankUpdate(tensor: path + ".weight", scale: scale, rank: rank, a: a, b: b)
            if let magnitudes {
                guard magnitudes.count == b.count / rank else {
                    throw CollabError(
                        .tensorMismatch,
                        "“\(path)” has \(b.count / rank) rows and \(magnitudes.count) magnitudes."
                    )
                }
                guard magnitudes.allSatisfy(\.isFinite) else {
                    throw CollabError(
                        .notFinite,
                        "The magnitudes of “\(path)” have a number that is not finite."
                    )
                }
            }
            self.path = path
            self.rank = rank
            self.scale = scale
            self.a = a
            self.b = b
            self.magnitudes = magnitudes
        }

        /// The name of the matrix.
        public var tensor: String { path + ".weight" }
        /// The shape of the matrix.
        public var shape: [Int] { [b.count / rank, a.count / rank] }
    }

    /// What to call the adapter.
    public let name: String
    /// The changes, in the order of the file.
    public let modules: [Module]
    /// Matrices that the adapter brings along whole: PEFT's `modules_to_save`.
    public let replacements: [MemoryCheckpoint.Tensor]
    /// What the modules are called.
    public let naming: TensorNaming

    /// Makes an adapter.
    ///
    /// Throws ``Collab/CollabError`` with `tensorMismatch` if a matrix is changed twice.
    public init(
        _ name: String,
        modules: [Module],
        replacements: [MemoryCheckpoint.Tensor] = [],
        naming: TensorNaming = .huggingFace
    ) throws(CollabError) {
        var seen: Set<String> = []
        for tensor in modules.map(\.tensor) + replacements.map(\.name) {
            guard seen.insert(tensor).inserted else {
                throw CollabError(.tensorMismatch, "The adapter \(name) changes “\(tensor)” twice.")
            }
        }
        self.name = name
        self.modules = modules
        self.replacements = replacements
        self.naming = naming
    }

    /// The model's weights with the adapter merged in, computed while they are read.
    ///
    /// - Parameters:
    ///   - base: the weights, in the adapter's names.
    ///   - weight: a factor of the change; it must be 1 for an adapter with magnitudes or whole matrices.
    ///
    /// Throws ``Collab/CollabError`` with `tensorMismatch` if a change fits no tensor, and `invalidRequest` for a weight
    /// that the adapter cannot have.
    public func applied(to base: any Checkpoint, weight: Float = 1) throws(CollabError) -> any Checkpoint {
        if weight != 1, !replacements.isEmpty || modules.contains(where: { $0.magnitudes != nil }) {
            throw CollabError(
                .invalidRequest,
                "\(name) sets lengths of rows or whole matrices, which a weight of \(weight) cannot scale."
            )
        }
        var updates: [LowRankUpdate] = []
        for module in modules {
            updates.append(
                try LowRankUpdate(
                    tensor: module.tensor,
                    scale: module.scale * weight,
                    rank: module.rank,
                    a: module.a,
                    b: module.b
                )
            )
        }
        let adapted = try AdaptedCheckpoint("\(base.name)+\(name)", base: base, updates: updates)
        let magnitudes = modules.compactMap { module in module.magnitudes.map { (module.tensor, $0) } }
        if magnitudes.isEmpty, replacements.isEmpty { return adapted }
        return try AdapterCheckpoint(adapted, magnitudes: magnitudes, replacements: replacements)
    }
}

/// Adapted weights of which some rows have lengths of their own and some matrices are others.
private struct AdapterCheckpoint: Checkpoint {
    private let adapted: AdaptedCheckpoint
    private let magnitudes: [String: [Float]]
    private let replacements: MemoryCheckpoint
    /// By tensor: what its rows are multiplied by.
    private let factors = Protected<[String: [Float]]>([:])

    init(
        _ adapted: AdaptedCheckpoint,
        magnitudes: [(String, [Float])],
        replacements: [MemoryCheckpoint.Tensor]
    ) throws(CollabError) {
        self.adapted = adapted
        self.magnitudes = Dictionary(magnitudes) { first, _ in first }
        self.replacements = try MemoryCheckpoint(adapted.name, tensors: replacements)
        for tensor in self.replacements.tensors {
            guard let known = adapted.description(of: tensor.name), known.shape == tensor.shape else {
                throw CollabError(
                    .tensorMismatch,
                    "\(adapted.base.name) has no tensor “\(tensor.name)” of shape \(tensor.shape) to replace."
                )
            }
        }
    }

    var name: String { adapted.name }
    var tensors: [TensorDescription] { adapted.tensors }
    var specification: any ModelSpecification { adapted.specification }

    func description(of tensor: String) -> TensorDescription? { adapted.description(of: tensor) }

    func storage(of tensor: String) -> TensorStorage? {
        replacements.storage(of: tensor) ?? adapted.storage(of: tensor)
    }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        if replacements.description(of: tensor) != nil {
            return try replacements.read(tensor, elements: elements, into: buffer)
        }
        try adapted.read(tensor, elements: elements, into: buffer)
        guard let magnitudes = magnitudes[tensor] else { return }
        let factors = try rowFactors(of: tensor, magnitudes)
        let columns = max(1, adapted.description(of: tensor)?.shape.last ?? 1)
        for place in buffer.indices { buffer[place] *= factors[(elements.lowerBound + place) / columns] }
    }

    /// m / ‖W + s B A‖, row by row.
    private func rowFactors(of tensor: String, _ magnitudes: [Float]) throws(CollabError) -> [Float] {
        if let known = factors.withLock({ $0[tensor] }) { return known }
        let columns = max(1, adapted.description(of: tensor)?.shape.last ?? 1)
        var result: [Float] = []
        for (row, magnitude) in magnitudes.enumerated() {
            let values = try adapted.values(of: tensor, elements: row * columns..<(row + 1) * columns)
            let length = values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            guard length > 0 else {
                throw CollabError(
                    .notFinite,
                    "Row \(row) of “\(tensor)” is 0 in \(name) and cannot be given a length."
                )
            }
            result.append(Float(Double(magnitude) / length))
        }
        factors.withLock { $0[tensor] = result }
        return result
    }
}
