// Formulas over checkpoints add up the weights of equal terms; these tell which terms are equal.

extension GGUFCheckpoint: Identifiable {
    /// Equal for checkpoints over the same open file.
    public var id: ObjectIdentifier { ObjectIdentifier(file) }
}

extension SafetensorsCheckpoint: Identifiable {
    /// Equal for checkpoints over the same open files.
    public var id: [ObjectIdentifier] { files.map { ObjectIdentifier($0) } }
}
