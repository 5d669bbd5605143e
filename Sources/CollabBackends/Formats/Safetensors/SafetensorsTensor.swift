/// A tensor of a safetensors file: what it is called, how large it is and where its bytes are.
public struct SafetensorsTensor: Sendable {
    /// The name.
    public let name: String
    /// The extents, slowest-varying first.
    public let shape: [Int]
    /// How the elements are stored.
    public let type: SafetensorsType
    /// Where the first byte is, counted from the beginning of the file.
    public let offset: Int
    /// How many bytes there are.
    public let byteCount: Int

    /// How many elements there are.
    public var elementCount: Int { shape.reduce(1, *) }
}
