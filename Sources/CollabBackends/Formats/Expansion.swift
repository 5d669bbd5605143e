import Collab
import CollabKernels

/// Expands a range of a stored tensor's elements into float32.
///
/// The range need not begin or end with a block: blocks that are needed in part are expanded aside.
func expand(
    _ format: TensorFormat,
    _ bytes: UnsafeRawBufferPointer,
    elements: Range<Int>,
    into buffer: UnsafeMutableBufferPointer<Float>
) throws(CollabError) {
    guard var target = buffer.baseAddress else { return }
    let width = format.blockElements
    var position = elements.lowerBound
    do throws(KernelError) {
        while position < elements.upperBound {
            let first = position - position % width
            let whole = (elements.upperBound - position) / width * width
            let count: Int
            if position == first, whole > 0 {
                count = whole
                let range = position..<position + count
                try TensorConversion.dequantize(format, bytes: bytes, elements: range, into: target)
            } else {
                count = min(first + width, elements.upperBound) - position
                try expandPart(
                    format,
                    bytes,
                    block: first..<first + width,
                    from: position,
                    count,
                    into: target
                )
            }
            position += count
            target += count
        }
    } catch {
        throw CollabError(.tensorMismatch, "A tensor's bytes and shape do not agree.", cause: error)
    }
}

/// Expands one block and keeps a part of it.
private func expandPart(
    _ format: TensorFormat,
    _ bytes: UnsafeRawBufferPointer,
    block: Range<Int>,
    from position: Int,
    _ count: Int,
    into target: UnsafeMutablePointer<Float>
) throws(KernelError) {
    let result = withUnsafeTemporaryAllocation(of: Float.self, capacity: block.count) { aside in
        Result { () throws(KernelError) in
            try TensorConversion.dequantize(format, bytes: bytes, elements: block, into: aside.baseAddress!)
            target.update(from: aside.baseAddress! + (position - block.lowerBound), count: count)
        }
    }
    try result.get()
}
