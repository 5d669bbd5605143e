/// What has been measured of a model on text, for merges that weigh by it: Gram matrices of what enters its matrices,
/// and the diagonal of its Fisher information.
///
/// Any ``Checkpoint`` may hold them; files are safetensors. The tensors are called
///
/// - `gram/NAME`, for the weight NAME of shape `[rows, columns]`: XᵀX ∕ n of shape `[columns, columns]`, where the n rows of
///   X are the vectors that the weight was multiplied by, one a token;
/// - `fisher/NAME`, in the shape of the weight NAME: the mean over tokens of the squared gradient.
///
/// Names are those of transformers. Matrices that read the same vectors share one Gram matrix, under the name of the first:
/// `q_proj` also stands for `k_proj` and `v_proj`, and `gate_proj` for `up_proj`.
public struct ModelStatistics: Sendable {
    /// The checkpoint that holds the tensors.
    public let tensors: any Checkpoint
    /// The length of the whole Fisher information, once it is known; shared by copies.
    private let length = Protected<Double?>(nil)

    /// Statistics in a checkpoint.
    public init(_ tensors: any Checkpoint) { self.tensors = tensors }

    /// What the Gram matrix of a weight's inputs is called, if there is one.
    public func gramName(of weight: String) -> String? {
        names(of: weight).map { "gram/" + $0 }.first { tensors.description(of: $0) != nil }
    }

    /// What the Fisher information of a weight is called, if there is some.
    public func fisherName(of weight: String) -> String? {
        let name = "fisher/" + weight
        return tensors.description(of: name) == nil ? nil : name
    }

    /// The Fisher information of a range of a weight's elements.
    ///
    /// Throws ``CollabError/Code/notFinite`` naming the tensor for squares that are negative or no finite numbers.
    func fisher(_ name: String, elements: Range<Int>) throws(CollabError) -> [Float] {
        let values = try tensors.values(of: name, elements: elements)
        if let bad = values.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
            throw CollabError(
                .notFinite,
                "Element \(elements.lowerBound + bad) of “\(name)” of \(tensors.name) is \(values[bad]); a mean square "
                    + "is finite and at least 0."
            )
        }
        return values
    }

    /// ‖F‖, the square root of the sum of all squares of the Fisher information; read once.
    func fisherLength() throws(CollabError) -> Double {
        return try length.withLock { (known) throws(CollabError) -> Double in
            if let known { return known }
            var square = 0.0
            for tensor in tensors.tensors where tensor.name.hasPrefix("fisher/") {
                for value in try fisher(tensor.name, elements: 0..<tensor.elementCount) {
                    square += Double(value) * Double(value)
                }
            }
            known = square.squareRoot()
            return square.squareRoot()
        }
    }

    /// Under which names the Gram matrix of a weight's inputs may be.
    private func names(of weight: String) -> [String] {
        var names = [weight]
        for (shared, first) in Self.sharing where weight.hasSuffix(shared) {
            names.append(String(weight.dropLast(shared.count)) + first)
        }
        return names
    }

    /// The endings of names whose matrices read the same vectors, and of the one that stands for them.
    private static let sharing = [
        ("self_attn.k_proj.weight", "self_attn.q_proj.weight"),
        ("self_attn.v_proj.weight", "self_attn.q_proj.weight"),
        ("mlp.up_proj.weight", "mlp.gate_proj.weight"),
    ]
}
