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
        throw CollabError(
            .notFinite,
            """
            Element \(first + largest) of the tensor “\(tensor)” is \(values[largest]), larger than \(format.rawValue) \
            holds; use smaller weights or another type.
            """
        )
    }
}
