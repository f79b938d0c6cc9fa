//! What is said of many ratios in a few numbers.

/// Of some ratios, none of them below 1.
pub(crate) struct Ratios {
    pub(crate) median: f64,
    pub(crate) nine_of_ten: f64,
    pub(crate) worst: f64,
    pub(crate) mean: f64,
    /// How many of them are 1, as a share of all.
    pub(crate) share_of_best: f64,
}

impl Ratios {
    /// Of no ratios, all is 1.
    pub(crate) fn of(ratios: impl Iterator<Item = f64>) -> Self {
        let mut ratios: Vec<f64> = ratios.collect();
        ratios.sort_by(f64::total_cmp);
        let at = |tenths: usize| {
            ratios.get((ratios.len() * tenths / 10).min(ratios.len().saturating_sub(1)))
        };
        #[expect(clippy::cast_precision_loss, reason = "there are a few thousand")]
        let count = ratios.len().max(1) as f64;
        Self {
            median: at(5).copied().unwrap_or(1.0),
            nine_of_ten: at(9).copied().unwrap_or(1.0),
            worst: ratios.last().copied().unwrap_or(1.0),
            mean: if ratios.is_empty() { 1.0 } else { ratios.iter().sum::<f64>() / count },
            share_of_best: ratios.iter().map(|&ratio| f64::from(ratio <= 1.0)).sum::<f64>() / count,
        }
    }

    pub(crate) fn cells(&self) -> impl Iterator<Item = String> {
        let ratios = [self.median, self.nine_of_ten, self.worst, self.mean];
        ratios.into_iter().map(|ratio| format!("{ratio:.3}"))
    }
}
