/// Where a tensor stands in a model: its layer, and the module that every layer has.
public struct TensorModule: Hashable, Sendable, Codable {
    /// The layer, counted from 0; `nil` for embeddings, the final norm and the output matrix.
    public var layer: Int?
    /// The name without the layer and a final `.weight`: `self_attn.q_proj`, `ffn_up`.
    public var name: String

    /// Reads layer and module off a tensor's name: the layer is the first number between dots, and the module is what
    /// follows it.
    public init(tensor: String) {
        var parts = tensor.split(separator: ".")[...]
        if parts.count > 1, parts.last == "weight" { parts.removeLast() }
        if let place = parts.firstIndex(where: { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let number = Int(parts[place]), place + 1 < parts.endIndex
        {
            layer = number
            parts = parts[(place + 1)...]
        }
        name = parts.joined(separator: ".")
    }
}
