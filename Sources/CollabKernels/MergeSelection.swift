extension MergeArithmetic {
    /// Sets to 0 what a cut keeps: the counterpart of ``trim(_:to:first:level:)``.
    ///
    /// - Parameter first: the index of the first element in its tensor.
    package static func removeLargest(
        _ x: UnsafeMutableBufferPointer<Float>,
        of cut: MagnitudeCut,
        first: Int
    ) {
        for place in x.indices {
            let bits = x[place].bitPattern & 0x7fff_ffff
            if bits > cut.bits || (bits == cut.bits && first + place <= cut.lastEqual) { x[place] = 0 }
        }
    }
}
