"""The papers behind the numbers: keys travel in results, `cite()` prints them.

Second floor. One place for every reference that a result can name.
"""

from __future__ import annotations

from collections.abc import Iterable

from exitmodels.version import VERSION

__all__ = ["REFERENCES", "citation"]

REFERENCES: dict[str, str] = {
    "aalen1978": "Aalen, O. (1978). Nonparametric inference for a family of counting processes. "
    "Annals of Statistics 6, 701-726.",
    "aalen_johansen1978": "Aalen, O. and Johansen, S. (1978). An empirical transition matrix for "
    "non-homogeneous Markov chains based on censored observations. Scandinavian Journal of Statistics 5, 141-150.",
    "andersen1993": "Andersen, P. K., Borgan, O., Gill, R. D. and Keiding, N. (1993). Statistical Models Based "
    "on Counting Processes. Springer.",
    "benichou_gail1990": "Benichou, J. and Gail, M. H. (1990). Estimates of absolute cause-specific risk in cohort "
    "studies. Biometrics 46, 813-826.",
    "binder1992": "Binder, D. A. (1992). Fitting Cox's proportional hazards models from survey data. "
    "Biometrika 79, 139-147.",
    "blaker2000": "Blaker, H. (2000). Confidence curves and improved exact confidence intervals for discrete "
    "distributions. Canadian Journal of Statistics 28, 783-798.",
    "breslow1974": "Breslow, N. (1974). Covariance analysis of censored survival data. Biometrics 30, 89-99.",
    "cameron_trivedi2013": "Cameron, A. C. and Trivedi, P. K. (2013). Regression Analysis of Count Data, 2nd ed. "
    "Cambridge University Press.",
    "clopper1934": "Clopper, C. J. and Pearson, E. S. (1934). The use of confidence or fiducial limits "
    "illustrated in the case of the binomial. Biometrika 26, 404-413.",
    "cox1972": "Cox, D. R. (1972). Regression models and life-tables. Journal of the Royal Statistical Society B "
    "34, 187-220.",
    "driscoll_kraay1998": "Driscoll, J. C. and Kraay, A. C. (1998). Consistent covariance matrix estimation with "
    "spatially dependent panel data. Review of Economics and Statistics 80, 549-560.",
    "efron1977": "Efron, B. (1977). The efficiency of Cox's likelihood function for censored data. JASA 72, 557-565.",
    "efron1979": "Efron, B. (1979). Bootstrap methods: another look at the jackknife. Annals of Statistics 7, 1-26.",
    "efron1981": "Efron, B. (1981). Censored data and the bootstrap. JASA 76, 312-319.",
    "efron1987": "Efron, B. (1987). Better bootstrap confidence intervals. JASA 82, 171-185.",
    "eilers_marx1996": "Eilers, P. H. C. and Marx, B. D. (1996). Flexible smoothing with B-splines and penalties. "
    "Statistical Science 11, 89-121.",
    "fay2010": "Fay, M. P. (2010). Two-sided exact tests and matching confidence intervals for discrete data. "
    "R Journal 2(1), 53-58.",
    "firth1993": "Firth, D. (1993). Bias reduction of maximum likelihood estimates. Biometrika 80, 27-38.",
    "fleming_harrington1984": "Fleming, T. R. and Harrington, D. P. (1984). Nonparametric estimation of the "
    "survival distribution in censored data. Communications in Statistics A 13, 2469-2486.",
    "fleming_harrington1991": "Fleming, T. R. and Harrington, D. P. (1991). Counting Processes and Survival "
    "Analysis. Wiley.",
    "garwood1936": "Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28, 437-442.",
    "gehan1965": "Gehan, E. A. (1965). A generalized Wilcoxon test for comparing arbitrarily singly-censored "
    "samples. Biometrika 52, 203-223.",
    "gray1992": "Gray, R. J. (1992). Flexible methods for analyzing survival data using splines, with applications to "
    "breast cancer prognosis. JASA 87, 942-951.",
    "greenwood1926": "Greenwood, M. (1926). The natural duration of cancer. Reports on Public Health and Medical "
    "Subjects 33. HMSO.",
    "heinze_schemper2001": "Heinze, G. and Schemper, M. (2001). A solution to the problem of monotone likelihood in Cox "
    "regression. Biometrics 57, 114-119.",
    "kaplan_meier1958": "Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations. "
    "JASA 53, 457-481.",
    "gail1981": "Gail, M. H., Lubin, J. H. and Rubinstein, L. V. (1981). Likelihood calculations for matched "
    "case-control studies and survival studies with tied death times. Biometrika 68, 703-707.",
    "kalbfleisch_prentice2002": "Kalbfleisch, J. D. and Prentice, R. L. (2002). The Statistical Analysis of Failure "
    "Time Data, 2nd ed. Wiley.",
    "klein_moeschberger2003": "Klein, J. P. and Moeschberger, M. L. (2003). Survival Analysis: Techniques for "
    "Censored and Truncated Data, 2nd ed. Springer.",
    "lancaster1961": "Lancaster, H. O. (1961). Significance tests in discrete distributions. JASA 56, 223-234.",
    "lawless1987": "Lawless, J. F. (1987). Negative binomial and mixed Poisson regression. Canadian Journal of "
    "Statistics 15, 209-225.",
    "liang_zeger1986": "Liang, K.-Y. and Zeger, S. L. (1986). Longitudinal data analysis using generalized linear "
    "models. Biometrika 73, 13-22.",
    "lin_wei1989": "Lin, D. Y. and Wei, L. J. (1989). The robust inference for the Cox proportional hazards model. "
    "JASA 84, 1074-1078.",
    "mackinnon_white1985": "MacKinnon, J. G. and White, H. (1985). Some heteroskedasticity-consistent covariance "
    "matrix estimators with improved finite sample properties. Journal of Econometrics 29, 305-325.",
    "mantel1966": "Mantel, N. (1966). Evaluation of survival data and two new rank order statistics arising in its "
    "consideration. Cancer Chemotherapy Reports 50, 163-170.",
    "mccullagh_nelder1989": "McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, 2nd ed. "
    "Chapman and Hall.",
    "newey_west1987": "Newey, W. K. and West, K. D. (1987). A simple, positive semi-definite, heteroskedasticity "
    "and autocorrelation consistent covariance matrix. Econometrica 55, 703-708.",
    "newey_west1994": "Newey, W. K. and West, K. D. (1994). Automatic lag selection in covariance matrix estimation. "
    "Review of Economic Studies 61, 631-653.",
    "peto1972": "Peto, R. and Peto, J. (1972). Asymptotically efficient rank invariant test procedures. Journal of "
    "the Royal Statistical Society A 135, 185-207.",
    "przyborowski1940": "Przyborowski, J. and Wilenski, H. (1940). Homogeneity of results in testing samples from "
    "Poisson series. Biometrika 31, 313-323.",
    "rossi1980": "Rossi, P. H., Berk, R. A. and Lenihan, K. J. (1980). Money, Work, and Crime: Some Experimental "
    "Results. Academic Press.",
    "rothman_boice1979": "Rothman, K. J. and Boice, J. D. (1979). Epidemiologic Analysis with a Programmable "
    "Calculator. National Institutes of Health.",
    "simon2011": "Simon, N., Friedman, J., Hastie, T. and Tibshirani, R. (2011). Regularization paths for Cox's "
    "proportional hazards model via coordinate descent. Journal of Statistical Software 39(5), 1-13.",
    "tarone1975": "Tarone, R. E. (1975). Tests for trend in life table analysis. Biometrika 62, 679-682.",
    "tarone_ware1977": "Tarone, R. E. and Ware, J. (1977). On distribution-free tests for equality of survival "
    "distributions. Biometrika 64, 156-160.",
    "therneau_grambsch2000": "Therneau, T. M. and Grambsch, P. M. (2000). Modeling Survival Data: Extending the "
    "Cox Model. Springer.",
    "therneau2024": "Therneau, T. M., Crowson, C. S. and Atkinson, E. J. (2024). Multi-state models and competing "
    "risks. Vignette of the R package survival.",
    "tibshirani1997": "Tibshirani, R. (1997). The lasso method for variable selection in the Cox model. Statistics in "
    "Medicine 16, 385-395.",
    "tibshirani2012": "Tibshirani, R., Bien, J., Friedman, J., Hastie, T., Simon, N., Taylor, J. and Tibshirani, R. J. "
    "(2012). Strong rules for discarding predictors in lasso-type problems. Journal of the Royal Statistical Society B "
    "74, 245-266.",
    "tsiatis1981": "Tsiatis, A. A. (1981). A large sample study of Cox's regression model. Annals of Statistics 9, "
    "93-108.",
    "ozenne2020": "Ozenne, B. M. H., Scheike, T. H., Staerk, L. and Gerds, T. A. (2020). On the estimation of average "
    "treatment effects with right-censored time to event outcome and competing risks. Biometrical Journal 62, 751-763.",
    "prentice1978": "Prentice, R. L., Kalbfleisch, J. D., Peterson, A. V., Flournoy, N., Farewell, V. T. and Breslow, "
    "N. E. (1978). The analysis of failure times in the presence of competing risks. Biometrics 34, 541-554.",
    "robins1986": "Robins, J. (1986). A new approach to causal inference in mortality studies with a sustained exposure "
    "period. Mathematical Modelling 7, 1393-1512.",
    "reid_crepeau1985": "Reid, N. and Crepeau, H. (1985). Influence functions for proportional hazards regression. "
    "Biometrika 72, 1-9.",
    "grambsch_therneau1994": "Grambsch, P. M. and Therneau, T. M. (1994). Proportional hazards tests and diagnostics "
    "based on weighted residuals. Biometrika 81, 515-526.",
    "gray1988": "Gray, R. J. (1988). A class of K-sample tests for comparing the cumulative incidence of a competing "
    "risk. Annals of Statistics 16, 1141-1154.",
    "van_de_geer2014": "van de Geer, S., Buhlmann, P., Ritov, Y. and Dezeure, R. (2014). On asymptotically optimal confidence "
    "regions and tests for high-dimensional models. Annals of Statistics 42, 1166-1202.",
    "venzon_moolgavkar1988": "Venzon, D. J. and Moolgavkar, S. H. (1988). A method for computing profile-likelihood-based "
    "confidence intervals. Applied Statistics 37, 87-94.",
    "verweij_vanhouwelingen1993": "Verweij, P. J. M. and van Houwelingen, H. C. (1993). Cross-validation in survival analysis. "
    "Statistics in Medicine 12, 2305-2314.",
    "verweij_vanhouwelingen1994": "Verweij, P. J. M. and van Houwelingen, H. C. (1994). Penalized likelihood in Cox regression. "
    "Statistics in Medicine 13, 2427-2436.",
    "white1980": "White, H. (1980). A heteroskedasticity-consistent covariance matrix estimator and a direct test "
    "for heteroskedasticity. Econometrica 48, 817-838.",
    "wilson1927": "Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA "
    "22, 209-212.",
    "aalen1989": "Aalen, O. O. (1989). A linear regression model for the analysis of life times. Statistics in "
    "Medicine 8, 907-925.",
    "lin_ying1994": "Lin, D. Y. and Ying, Z. (1994). Semiparametric analysis of the additive risk model. Biometrika "
    "81, 61-71.",
    "mckeague_sasieni1994": "McKeague, I. W. and Sasieni, P. D. (1994). A partly parametric additive risk model. "
    "Biometrika 81, 501-514.",
    "martinussen_scheike2006": "Martinussen, T. and Scheike, T. H. (2006). Dynamic Regression Models for Survival "
    "Data. Springer.",
    "scheike_martinussen2004": "Scheike, T. H. and Martinussen, T. (2004). On estimation and tests of time-varying "
    "effects in the proportional hazards model. Scandinavian Journal of Statistics 31, 51-62.",
    "allison1982": "Allison, P. D. (1982). Discrete-time methods for the analysis of event histories. Sociological "
    "Methodology 13, 61-98.",
    "prentice_gloeckler1978": "Prentice, R. L. and Gloeckler, L. A. (1978). Regression analysis of grouped survival "
    "data with application to breast cancer data. Biometrics 34, 57-67.",
    "tutz_schmid2016": "Tutz, G. and Schmid, M. (2016). Modeling Discrete Time-to-Event Data. Springer.",
    "andersen_klein_rosthoj2003": "Andersen, P. K., Klein, J. P. and Rosthoj, S. (2003). Generalised linear models "
    "for correlated pseudo-observations, with applications to multi-state models. Biometrika 90, 15-27.",
    "klein_andersen2005": "Klein, J. P. and Andersen, P. K. (2005). Regression modeling of competing risks data "
    "based on pseudovalues of the cumulative incidence function. Biometrics 61, 223-229.",
    "andersen_hansen_klein2004": "Andersen, P. K., Hansen, M. G. and Klein, J. P. (2004). Regression analysis of "
    "restricted mean survival time based on pseudo-observations. Lifetime Data Analysis 10, 335-350.",
    "jacobsen_martinussen2016": "Jacobsen, M. and Martinussen, T. (2016). A note on the large sample properties of "
    "estimators based on generalized linear models for correlated pseudo-observations. Scandinavian Journal of "
    "Statistics 43, 845-862.",
    "overgaard2017": "Overgaard, M., Parner, E. T. and Pedersen, J. (2017). Asymptotic theory of generalized "
    "estimating equations based on jack-knife pseudo-observations. Annals of Statistics 45, 1988-2015.",
    "parner2023": "Parner, E. T., Andersen, P. K. and Overgaard, M. (2023). Regression models for censored "
    "time-to-event data using infinitesimal jack-knife pseudo-observations, with applications to left-truncation. "
    "Lifetime Data Analysis 29, 654-671.",
    "scheike_zhang_gerds2008": "Scheike, T. H., Zhang, M.-J. and Gerds, T. A. (2008). Predicting cumulative "
    "incidence probability by direct binomial regression. Biometrika 95, 205-220.",
    "zou_hastie2005": "Zou, H. and Hastie, T. (2005). Regularization and variable selection via the elastic net. Journal of "
    "the Royal Statistical Society B 67, 301-320.",
    "andersen2013": "Andersen, P. K. (2013). Decomposition of number of life years lost according to causes of death. "
    "Statistics in Medicine 32, 5278-5285.",
    "benjamini_hochberg1995": "Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate: a "
    "practical and powerful approach to multiple testing. Journal of the Royal Statistical Society B 57, 289-300.",
    "breslow1975": "Breslow, N. E. (1975). Analysis of survival data under the proportional hazards model. "
    "International Statistical Review 43, 45-57.",
    "fleming1987": "Fleming, T. R., Harrington, D. P. and O'Sullivan, M. (1987). Supremum versions of the log-rank and "
    "generalized Wilcoxon statistics. JASA 82, 312-320.",
    "gill1980": "Gill, R. D. (1980). Censoring and Stochastic Integrals. Mathematical Centre Tracts 124, Amsterdam.",
    "hall_wellner1980": "Hall, W. J. and Wellner, J. A. (1980). Confidence bands for a survival curve from censored "
    "data. Biometrika 67, 133-143.",
    "holm1979": "Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of "
    "Statistics 6, 65-70.",
    "hommel1988": "Hommel, G. (1988). A stagewise rejective multiple test procedure based on a modified Bonferroni "
    "test. Biometrika 75, 383-386.",
    "karrison2016": "Karrison, T. G. (2016). Versatile tests for comparing survival curves based on weighted log-rank "
    "statistics. Stata Journal 16, 678-690.",
    "klein2007": "Klein, J. P., Logan, B., Harhoff, M. and Andersen, P. K. (2007). Analyzing survival curves at a "
    "fixed point in time. Statistics in Medicine 26, 4505-4519.",
    "lin1997": "Lin, D. Y. (1997). Non-parametric inference for cumulative incidence functions in competing risks "
    "studies. Statistics in Medicine 16, 901-910.",
    "nair1984": "Nair, V. N. (1984). Confidence bands for survival functions with censored data: a comparative study. "
    "Technometrics 26, 265-275.",
    "royston_parmar2013": "Royston, P. and Parmar, M. K. B. (2013). Restricted mean survival time: an alternative to "
    "the hazard ratio for the design and analysis of randomized trials with a time-to-event outcome. BMC Medical "
    "Research Methodology 13, 152.",
    "streitberg1986": "Streitberg, B. and Roehmel, J. (1986). Exact distributions for permutation and rank tests: an "
    "introduction to some recently published algorithms. Statistical Software Newsletter 12, 10-17.",
    "tarone1981": "Tarone, R. E. (1981). On the distribution of the maximum of the logrank statistic and the modified "
    "Wilcoxon statistic. Biometrics 37, 79-85.",
    "uno2014": "Uno, H., Claggett, B., Tian, L. et al. (2014). Moving beyond the hazard ratio in quantifying the "
    "between-group difference in survival analysis. Journal of Clinical Oncology 32, 2380-2385.",
    "wu2014": "Wu, J. (2014). A new one-sample log-rank test. Journal of Biometrics and Biostatistics 5, 210.",
}


def citation(sources: Iterable[str], method: str = "") -> str:
    """Say which version and which papers stand behind a number."""
    lines = [f"exitmodels {VERSION}" + (f": {method}." if method else ".")]
    lines += [f"  {REFERENCES[key]}" for key in sources]
    return "\n".join(lines)
