import Collab

/// How a native model keeps its matrices in memory.
///
/// What a file stores in quantised blocks always stays as it is, bit by bit.
public enum WeightFormat: Hashable, Sendable {
    /// Stored tensors as they are, computed ones, such as those of a merge, in 8-bit blocks.
    case automatic
    /// Everything that is not quantised yet, computed or stored as floats, in 8-bit blocks (q8_0): a quarter of
    /// float32, and nearly as exact.
    case eightBit
    /// Stored tensors as they are, computed ones in the format of the base's tensor.
    case asStored
    /// Stored tensors as they are, computed ones in 32-bit floats, unrounded.
    case float

    /// Whether a tensor that a file stores in `format` stays as it is.
    func keeps(_ format: TensorFormat) -> Bool { self != .eightBit || format.blockElements > 1 }

    /// The format for a tensor that is described as stored in `format`.
    func format(for format: TensorFormat, columns: Int) -> TensorFormat {
        let chosen: TensorFormat =
            switch (self, format) {
            case (.automatic, _), (.eightBit, _): .q8_0
            case (.asStored, _): format
            case (.float, _): .f32
            }
        if columns % chosen.blockElements == 0 { return chosen }
        return format.blockElements == 1 ? format : .f32
    }
}
