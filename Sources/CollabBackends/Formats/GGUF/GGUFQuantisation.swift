public import Collab

/// In which formats a GGUF file stores a model's tensors.
///
/// A name stands for a mixture, as in llama.cpp's tools: vectors stay in float32, and matrices whose rows are not whole
/// blocks take the nearest format that fits them. In the 4- and 5-bit kinds the embeddings and the output matrix, on
/// which every token depends, are stored in more bits.
public enum GGUFQuantisation: String, Hashable, Sendable, Codable, CaseIterable {
    /// 32-bit floating point.
    case f32
    /// 16-bit IEEE floating point.
    case f16
    /// 16-bit brain floating point.
    case bf16
    /// 8-bit blocks of 32.
    case q8_0
    /// 4-bit blocks of 32 with a scale.
    case q4_0
    /// 4-bit blocks of 32 with scale and minimum.
    case q4_1
    /// 5-bit blocks of 32 with a scale.
    case q5_0
    /// 5-bit blocks of 32 with scale and minimum.
    case q5_1
    /// 4-bit super-blocks of 256.
    case q4_K
    /// 5-bit super-blocks of 256.
    case q5_K
    /// 6-bit super-blocks of 256.
    case q6_K

    /// The kind of a name, in whatever case: `Q4_K`, `q4_k`.
    public init?(named name: String) {
        guard let kind = Self.allCases.first(where: { $0.rawValue.lowercased() == name.lowercased() }) else {
            return nil
        }
        self = kind
    }

    /// The format of most matrices.
    private var format: TensorFormat { TensorFormat(rawValue: rawValue) ?? .f32 }

    /// The format that a tensor is stored in.
    ///
    /// - Parameter tensor: its name and shape; the name as GGUF or as transformers has it.
    public func format(of tensor: TensorDescription) -> TensorFormat {
        guard tensor.shape.count >= 2 else { return .f32 }
        let columns = tensor.shape[tensor.shape.count - 1]
        var wanted = format
        let outer = ["token_embd.weight", "output.weight", "model.embed_tokens.weight", "lm_head.weight"]
        if outer.contains(tensor.name) {
            switch wanted {
            case .q4_0, .q4_1, .q5_0, .q5_1, .q4_K, .q5_K: wanted = .q6_K
            default: break
            }
        }
        return Self.narrowings(of: wanted).first { columns % $0.blockElements == 0 } ?? .f16
    }

    /// A format and those that stand in for it where rows are no whole blocks.
    private static func narrowings(of format: TensorFormat) -> [TensorFormat] {
        switch format {
        case .q4_K: [.q4_K, .q5_0]
        case .q5_K: [.q5_K, .q5_1]
        case .q6_K: [.q6_K, .q8_0]
        default: [format]
        }
    }

    /// What `general.file_type` says of most tensors.
    var fileType: UInt32 {
        switch self {
        case .f32: 0
        case .f16: 1
        case .q4_0: 2
        case .q4_1: 3
        case .q8_0: 7
        case .q5_0: 8
        case .q5_1: 9
        case .q4_K: 14
        case .q5_K: 16
        case .q6_K: 18
        case .bf16: 32
        }
    }
}
