internal import CollabKernels

/// A checkpoint that can give what it computes as bfloat16, without floats in memory in between.
package protocol RoundedCheckpoint: Checkpoint {
    /// Computes a range of a tensor's elements, rounded to float32 and then to bfloat16, two bytes an element.
    ///
    /// `false` where it cannot, or where something would have to be refused: what `read(_:elements:into:)` gives is then
    /// to be rounded. Throws what that throws.
    func readRounded(
        _ tensor: String,
        elements: Range<Int>,
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(CollabError) -> Bool
}

extension MergedCheckpoint: RoundedCheckpoint {
    package func readRounded(
        _ tensor: String,
        elements: Range<Int>,
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(CollabError) -> Bool {
        guard let description = description(of: tensor), elements.lowerBound >= 0,
            elements.upperBound <= description.elementCount, bytes.count == 2 * elements.count,
            let (rule, inputs) = try storedRule(of: description)
        else { return false }
        for start in stride(from: elements.lowerBound, to: elements.upperBound, by: TensorInputs.blockSize) {
            try checkCancellation()
            let range = start..<min(start + TensorInputs.blockSize, elements.upperBound)
            if requiresFinite, !rule.showsNotFinite, !inputs.isFinite(range) { return false }
            let first = 2 * (start - elements.lowerBound)
            let output = UnsafeMutableRawBufferPointer(rebasing: bytes[first..<first + 2 * range.count])
            guard rule.merge(inputs, range, into: .halves(output)) else { return false }
            if requiresFinite,
                !TensorConversion.isFinite(
                    .bf16,
                    bytes: UnsafeRawBufferPointer(output),
                    elements: 0..<range.count
                )
            {
                return false
            }
        }
        try inputs.checkUnchanged()
        note(elements.count, readOf: description, by: rule)
        return true
    }
}
