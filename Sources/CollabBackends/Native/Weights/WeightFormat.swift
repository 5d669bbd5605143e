import Collab

/// How a native model keeps its matrices in memory.
///
/// It concerns computed tensors alone, such as those of a merge: what a file stores in a format that the engine
/// multiplies with stays as it is, bit by bit.
public enum WeightFormat: Hashable, Sendable {
    /// 8-bit blocks (q8_0): a quarter of float32, and nearly as exact.
    case eightBit
    /// The format of the base's tensor where it can be made from floats, else 8-bit blocks.
    case asStored
    /// 32-bit floats, unrounded.
    case float

    /// The format for a tensor that is described as stored in `format`.
    func format(for format: TensorFormat, columns: Int) -> TensorFormat {
        let chosen: TensorFormat =
            switch (self, format) {
            case (.eightBit, _): .q8_0
            case (.asStored, .f32), (.asStored, .f16), (.asStored, .bf16), (.asStored, .q8_0),
                (.asStored, .q4_0), (.asStored, .q4_1):
                format
            case (.asStored, _): .q8_0
            case (.float, _): .f32
            }
        return columns % chosen.blockElements == 0 ? chosen : .f32
    }
}
