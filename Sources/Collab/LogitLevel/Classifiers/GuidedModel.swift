extension LogitModel {
    /// The model guided towards instructions, and away from others: ℓ_away + γ (ℓ_towards − ℓ_away) of the model in two
    /// roles, decoded as one batch.
    ///
    /// Classifier-free guidance (G. Sanchez et al., *Stay on Topic with Classifier-Free Guidance*, 2023) with a negative
    /// prompt; without one the role without instructions is what is left behind. More than 1.5 makes small models repeat
    /// themselves.
    public func guided(
        towards instructions: String,
        awayFrom negative: String? = nil,
        gamma: Double = 1.5
    ) -> FusedModel {
        FusedModel(
            "\(name), guided",
            seedName: "\(seedName(of: self)), guided",
            .guidance(gamma: gamma),
            members: [
                role("guided", instructions: instructions), role("unguided", instructions: negative),
            ]
        )
    }
}
