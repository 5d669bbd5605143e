import Collab
import CollabKernels

/// Throws ``Collab/CollabError/Code/notFinite`` for finite numbers that have become infinite, or lost their scale, by
/// being rounded to a format: larger ones than it holds.
///
/// - Parameters:
///   - bytes: what the values have become.
///   - first: the place of the first value in its tensor.
func checkOverflow(
    of values: UnsafeBufferPointer<Float>,
    to format: TensorFormat,
    as bytes: UnsafeRawBufferPointer,
    in tensor: String,
    from first: Int
) throws(CollabError) {
    func overflow(_ index: Int) -> CollabError {
        CollabError(
            .notFinite,
            """
            Element \(first + index) of the tensor “\(tensor)” is \(values[index]), larger than \(format.rawValue) \
            holds; use smaller weights or another type.
            """
        )
    }
    if let range = format.blockRange {
        if let index = values.firstIndex(where: { $0.isFinite && !range.contains($0) }) {
            throw overflow(index)
        }
    }
    guard format != .f32,
        !TensorConversion.isFinite(format, bytes: bytes, elements: 0..<values.count)
    else { return }
    let width = format.blockElements
    for start in stride(from: 0, to: values.count, by: width) {
        let block = start..<start + width
        // What has not been finite before is for the reader of the inputs to judge.
        guard !TensorConversion.isFinite(format, bytes: bytes, elements: block),
            values[block].allSatisfy(\.isFinite),
            let largest = block.max(by: { abs(values[$0]) < abs(values[$1]) })
        else { continue }
        throw overflow(largest)
    }
}

extension TensorFormat {
    /// What blocks with scales of scales hold, where finding these may end in a scale of 0 instead of ∞: the largest number of
    /// half precision times the largest of the sub-scale and of the element, in either direction.
    fileprivate var blockRange: ClosedRange<Float>? {
        switch self {
        case .q4_K: -65504 * 63...65504 * 63 * 15
        case .q5_K: -65504 * 63...65504 * 63 * 31
        case .q6_K: -65504 * 128 * 32...65504 * 128 * 32
        default: nil
        }
    }
}
