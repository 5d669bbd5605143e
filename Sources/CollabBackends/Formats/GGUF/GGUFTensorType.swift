public import enum CollabKernels.TensorFormat

/// The type of a tensor's elements, as numbered in the file.
///
/// Every type that files of versions 2 and 3 may hold is known here with its block, so that any such file can be
/// listed; those with a ``format`` can also be computed with.
public struct GGUFTensorType: Hashable, Sendable, CustomStringConvertible {
    /// The number in the file.
    public let id: UInt32
    /// The usual name, such as `Q4_K`.
    public let name: String
    /// How many elements a block holds; each row is a whole number of blocks.
    public let blockElements: Int
    /// How many bytes a block takes.
    public let blockBytes: Int
    /// The format of the kernels that read it, or `nil` if there are none.
    public let format: TensorFormat?

    private init(_ id: UInt32, _ name: String, _ elements: Int, _ bytes: Int, _ format: TensorFormat? = nil) {
        self.id = id
        self.name = name
        blockElements = elements
        blockBytes = bytes
        self.format = format
    }

    /// The type of a number; `nil` if it was never given or has been withdrawn.
    public init?(id: UInt32) {
        guard let type = Self.table[id] else { return nil }
        self = type
    }

    /// The type that stores a format.
    public init(_ format: TensorFormat) {
        // Every format of the kernels is that of one type of the table.
        self = Self.all.first { $0.format == format } ?? Self.all[0]
    }

    /// The name.
    public var description: String { name }

    /// The names of the types that can be computed with.
    static let supportedNames = all.filter { $0.format != nil }.map(\.name).joined(separator: ", ")

    private static let table = [UInt32: GGUFTensorType](uniqueKeysWithValues: all.map { ($0.id, $0) })

    private static let all: [GGUFTensorType] = [
        GGUFTensorType(0, "F32", 1, 4, .f32), GGUFTensorType(1, "F16", 1, 2, .f16),
        GGUFTensorType(30, "BF16", 1, 2, .bf16), GGUFTensorType(8, "Q8_0", 32, 34, .q8_0),
        GGUFTensorType(2, "Q4_0", 32, 18, .q4_0), GGUFTensorType(3, "Q4_1", 32, 20, .q4_1),
        GGUFTensorType(6, "Q5_0", 32, 22, .q5_0), GGUFTensorType(7, "Q5_1", 32, 24, .q5_1),
        GGUFTensorType(12, "Q4_K", 256, 144, .q4_K), GGUFTensorType(13, "Q5_K", 256, 176, .q5_K),
        GGUFTensorType(14, "Q6_K", 256, 210, .q6_K),
        // Known by size only.
        GGUFTensorType(9, "Q8_1", 32, 36), GGUFTensorType(10, "Q2_K", 256, 84),
        GGUFTensorType(11, "Q3_K", 256, 110), GGUFTensorType(15, "Q8_K", 256, 292),
        GGUFTensorType(16, "IQ2_XXS", 256, 66), GGUFTensorType(17, "IQ2_XS", 256, 74),
        GGUFTensorType(18, "IQ3_XXS", 256, 98), GGUFTensorType(19, "IQ1_S", 256, 50),
        GGUFTensorType(20, "IQ4_NL", 32, 18), GGUFTensorType(21, "IQ3_S", 256, 110),
        GGUFTensorType(22, "IQ2_S", 256, 82), GGUFTensorType(23, "IQ4_XS", 256, 136),
        GGUFTensorType(24, "I8", 1, 1), GGUFTensorType(25, "I16", 1, 2), GGUFTensorType(26, "I32", 1, 4),
        GGUFTensorType(27, "I64", 1, 8), GGUFTensorType(28, "F64", 1, 8),
        GGUFTensorType(29, "IQ1_M", 256, 56),
        GGUFTensorType(34, "TQ1_0", 256, 54), GGUFTensorType(35, "TQ2_0", 256, 66),
        GGUFTensorType(39, "MXFP4", 32, 17), GGUFTensorType(40, "NVFP4", 64, 36),
        GGUFTensorType(41, "Q1_0", 128, 18), GGUFTensorType(42, "Q2_0", 64, 18),
    ]
}
