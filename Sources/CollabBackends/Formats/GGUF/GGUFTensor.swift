/// A tensor of a GGUF file: what it is called, how large it is and where its bytes are.
public struct GGUFTensor: Sendable {
    /// The name.
    public let name: String
    /// The extents as the file has them: fastest-varying first, `[columns, rows]` for a matrix.
    public let dimensions: [Int]
    /// How the elements are stored.
    public let type: GGUFTensorType
    /// Where the first byte is, counted from the beginning of the file.
    public let offset: Int
    /// How many elements there are.
    public let elementCount: Int
    /// How many bytes they take.
    public let byteCount: Int

    /// The extents slowest-varying first, `[rows, columns]` for a matrix.
    public var shape: [Int] { dimensions.reversed() }
}
