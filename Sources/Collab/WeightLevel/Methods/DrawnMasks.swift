/// When it is written down which elements random methods keep: a bit an element and member, as long as that is little; the
/// same is drawn again otherwise.
struct DrawnMasks: Sendable {
    /// How many bytes the masks of a tensor may take. Two tensors are merged at a time.
    var mostBytes = 112 << 20

    private func wanted(_ tensor: TensorDescription, _ memberCount: Int) -> Int {
        (tensor.elementCount + 127) / 128 * 16 * memberCount
    }

    /// Whether the masks of a tensor are written down.
    func areHeld(of tensor: TensorDescription, memberCount: Int) -> Bool {
        wanted(tensor, memberCount) <= mostBytes
    }

    /// How much memory the masks of a tensor take.
    func byteCount(of tensor: TensorDescription, memberCount: Int) -> Int {
        areHeld(of: tensor, memberCount: memberCount) ? wanted(tensor, memberCount) : 0
    }
}
